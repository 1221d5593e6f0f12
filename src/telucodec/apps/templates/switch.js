// A bar of buttons over sounds that run in step: one plays and stops all of them, each of the others lets its sound be heard. Below them their place can be set.
const SOUND_RATE = 16000;
let context = null, playing = null;    // one bar plays at a time

// sounds: [{label, bytes(), up(bool)}], the one at `first` chosen; bytes() the FLAC file as Uint8Array, up() told when it is heard and when no longer.
function offerSwitch(bar, sounds, first = 0) {
  const part = (tag, name, within) => {
    const made = document.createElement(tag);
    made.className = name;
    within.append(made);
    return made;
  };
  const button = (label, name, within) => {
    const made = part("button", name, within);
    made.type = "button";
    made.textContent = label;
    return made;
  };
  bar.replaceChildren();
  const play = button("Play", "play", bar), choices = part("div", "choices", bar);
  const buttons = sounds.map((sound) => button(sound.label, "", choices));
  const place = Object.assign(part("input", "place", bar), {type: "range", max: 100, step: "any", value: 0});  // % of the clip
  place.setAttribute("aria-label", "place in the clip");
  const trouble = part("span", "trouble", bar);
  let player = null, loading = null, chosen = first, wanted = false;

  const show = () => {
    play.textContent = wanted ? "Stop" : "Play";
    buttons.forEach((made, number) => made.setAttribute("aria-pressed", number === chosen));
    sounds.forEach((sound, number) => sound.up(wanted && number === chosen));
  };
  const follow = () => {
    if (!wanted || !player) return;
    place.value = 100 * player.place / player.length;
    requestAnimationFrame(follow);
  };
  const from = () => place.value / 100 * player.length % player.length;
  const load = async () => {
    context ??= new AudioContext({sampleRate: SOUND_RATE});
    const waves = await Promise.all(sounds.map(async (sound) => (await context.decodeAudioData(sound.bytes().buffer)).getChannelData(0)));
    const longest = Math.max(...waves.map((wave) => wave.length));
    return new Player(context, waves.map((wave) => {
      const padded = new Float32Array(longest);
      padded.set(wave);
      return padded;
    }));
  };
  const stop = () => { wanted = false; if (player) player.stop(); show(); };
  const start = async () => {
    if (playing && playing !== stop) playing();
    playing = stop;
    wanted = true;
    show();
    try {
      player = await (loading ??= load());
      await context.resume();
    } catch (error) {
      trouble.textContent = `This browser cannot play it: ${error.message}`;
      stop();
      return;
    }
    if (!wanted || player.playing) return;  // pressed again meanwhile
    player.start(undefined, from());
    player.choose(chosen);
    follow();
  };
  place.oninput = () => { if (wanted && player) player.start(undefined, from()); };
  play.onclick = () => wanted ? stop() : start();
  buttons.forEach((made, number) => {
    made.onclick = () => {
      chosen = number;
      show();
      if (wanted && player) player.choose(number); else if (!wanted) start();
    };
  });
  bar.hidden = false;
  show();
}

// The content of a data: address.
function bytesOf(address) {
  return Uint8Array.from(atob(address.slice(address.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));
}
