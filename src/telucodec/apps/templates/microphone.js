// Sound comes as the device gives it, 128 samples at a time, and leaves the audio thread in pieces of 2048, or what there is of one when it is asked for.
const WORKLET = `registerProcessor("tap", class extends AudioWorkletProcessor {
  constructor() {
    super();
    this.piece = new Float32Array(2048);
    this.size = 0;
    this.port.onmessage = () => { this.port.postMessage(this.piece.slice(0, this.size)); this.size = 0; };
  }
  process(inputs) {
    const channel = inputs[0][0];
    if (channel) {
      this.piece.set(channel, this.size);
      this.size += channel.length;
      if (this.size === this.piece.length) { this.port.postMessage(this.piece); this.size = 0; }
    }
    return true;
  }
})`;

// {sampleRate, flush(), close()}; hear() gets each piece, after flush() all that was said before it; ended() is told when the device goes away.
async function openMicrophone(hear, ended) {
  if (!navigator.mediaDevices) throw new Error("This browser gives no microphone here. Open the address that telucodec printed, in a recent browser.");
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({audio: {echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1}});
  } catch (error) {
    throw new Error(error.name === "NotFoundError" ? "No microphone was found: plug one in, then press record again."
      : "The browser does not let this page use the microphone: allow it beside the address, then press record again.");
  }
  const context = new AudioContext();
  const url = URL.createObjectURL(new Blob([WORKLET], {type: "text/javascript"}));
  await context.audioWorklet.addModule(url);
  URL.revokeObjectURL(url);
  const tap = new AudioWorkletNode(context, "tap", {numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit"});
  let flushed = () => {};
  tap.port.onmessage = (event) => {
    hear(event.data);
    if (event.data.length < 2048) flushed();
  };
  const flush = () => new Promise((resolve) => {
    flushed = resolve;
    setTimeout(resolve, 300);  // a device that is gone may leave nobody to answer
    tap.port.postMessage("flush");
  });
  context.createMediaStreamSource(stream).connect(tap);
  stream.getAudioTracks()[0].onended = ended;
  await context.resume();
  const close = () => { for (const track of stream.getTracks()) track.stop(); context.close(); };
  return {sampleRate: context.sampleRate, flush, close};
}
