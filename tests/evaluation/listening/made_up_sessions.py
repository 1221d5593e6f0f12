"""Keys and sessions of listening tests made up for tests."""

from telucodec.evaluation.listening.key import Key, KeyItem, KeySystem
from telucodec.evaluation.listening.session import AbxAnswer, MushraAnswer, Session
from telucodec.evaluation.results import Made

TEST = "0123456789ab"
MADE = Made(command="telucodec listening-test make", date="2001-02-03T04:05:06+00:00", machine={}, versions={})
ROLES = {"reference": "reference", "low": "low anchor", "mid": "mid anchor"}


def key(*names, num_clips=2, **changes):
    """Every second clip numbers its sounds backwards, so that a number is not a name."""
    systems = tuple(KeySystem(name=name, label=name.title(), role=ROLES.get(name, "system"), kbps=None) for name in names)
    items = tuple(
        KeyItem(clip=f"clip {number}", sounds=names[:: -1 if number % 2 else 1], gains_db=(0.0,) * len(names))
        for number in range(num_clips)
    )
    given = {"test": TEST, "method": "mushra", "seed": 0, "made": MADE, "systems": systems, "items": items}
    return Key(**(given | changes))


def session(listener, answers, method="mushra"):
    return Session(
        schema_version=1,
        test=TEST,
        method=method,
        listener=listener,
        language="te",
        seed="x",
        started="",
        finished="",
        answers=tuple(answers),
    )


def mushra(key, listener, **ratings):
    """Per system its ratings, one for each clip, or one for all."""

    def answer(number, item):
        found = {name: scores[number] if isinstance(scores, list) else scores for name, scores in ratings.items()}
        places = tuple(range(len(item.sounds)))
        return MushraAnswer(item=number, ratings=tuple(found[name] for name in item.sounds), places=places, seconds=1)

    return session(listener, [answer(number, item) for number, item in enumerate(key.items)])


def abx(key, listener, correct):
    """Answers to all trials, of which the first `correct` are right, for each system and clip."""
    answers = []
    for number, item in enumerate(key.items):
        fixed = item.sounds.index(key.against)
        for other in range(len(item.sounds)):
            for trial in range(key.repeats if other != fixed else 0):
                a, b = (fixed, other) if trial % 2 else (other, fixed)
                right = trial < correct
                answers.append(AbxAnswer(item=number, a=a, b=b, x=a, answer="a" if right else "b", seconds=1))
    return session(listener, answers, "abx")
