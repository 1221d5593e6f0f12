const FADE_S = 0.005;      // between sounds and at the ends of the repeated part, BS.1534-3 asks for no click

// All sounds run at once and in step, each behind its own gain; one gain is up. So a change of sound has no gap, and the place stays.
class Player {
  constructor(context, waves) {
    this.context = context;
    this.waves = waves;    // Float32Arrays of one length, at the rate of the context
    this.gains = waves.map(() => context.createGain());
    for (const gain of this.gains) { gain.gain.value = 0; gain.connect(context.destination); }
    this.current = -1;
    this.sources = [];
    this.begin = 0;
    this.startedAt = 0;    // context time at which the part began, as if it had been playing for ever
    this.cut(0, waves[0].length / context.sampleRate);
  }
  get playing() { return this.sources.length > 0; }
  // The part to repeat, with soft ends, since where it wraps the samples do not meet.
  cut(beginS, endS) {
    const rate = this.context.sampleRate, from = Math.round(beginS * rate), to = Math.min(Math.round(endS * rate), this.waves[0].length);
    const fade = Math.round(FADE_S * rate);
    this.begin = from / rate;
    this.length = (to - from) / rate;
    this.parts = this.waves.map((wave) => {
      const part = this.context.createBuffer(1, to - from, rate), samples = part.getChannelData(0);
      samples.set(wave.subarray(from, to));
      for (let n = 0; n < fade; n++) {
        const weight = 0.5 - 0.5 * Math.cos(Math.PI * (n + 0.5) / fade);
        samples[n] *= weight;
        samples[samples.length - 1 - n] *= weight;
      }
      return part;
    });
  }
  // Begin so many seconds into the part.
  start(when = this.context.currentTime + 0.02, from = 0) {
    this.stop();
    this.startedAt = when - from;
    this.sources = this.parts.map((part, place) => {
      const source = this.context.createBufferSource();
      source.buffer = part;
      source.loop = true;
      source.connect(this.gains[place]);
      source.start(when, from);
      return source;
    });
  }
  stop() {
    for (const source of this.sources) { source.stop(); source.disconnect(); }
    this.sources = [];
  }
  choose(place, when = this.context.currentTime) {
    this.gains.forEach((gain, other) => {
      gain.gain.cancelScheduledValues(when);
      gain.gain.setValueAtTime(other === this.current ? 1 : 0, when);
      gain.gain.linearRampToValueAtTime(other === place ? 1 : 0, when + FADE_S);
    });
    this.current = place;
  }
  get place() {            // seconds into the sentence
    if (!this.playing) return this.begin;
    return this.begin + Math.max(0, this.context.currentTime - this.startedAt) % this.length;
  }
  close() { this.stop(); for (const gain of this.gains) gain.disconnect(); }
}
