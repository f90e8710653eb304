/**
 * An inaudible tone. While it plays, browsers take the page for one that plays music: they neither delay its timers nor
 * freeze it. Chromium counts less power than −72 dBFS as silence; this has 9 dB more, at a pitch beyond loudspeakers.
 * Firefox spares pages with a running AudioContext.
 */
const HERTZ = 20;
/** A peak of −60 dBFS, a power of −63. */
const GAIN = 0.001;

export class QuietTone {
  #context: AudioContext | null = null;

  /** False: the browser plays nothing until a person presses something on the page, or has no sound at all. */
  async start(): Promise<boolean> {
    if (typeof AudioContext === 'undefined') return false;
    const context = (this.#context ??= makeContext());
    // Without a gesture this waits for one, however long; closing the context rejects it.
    context.resume().catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 100));
    return context.state === 'running';
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    const context = this.#context;
    this.#context = null;
    await context?.close();
  }
}

function makeContext(): AudioContext {
  const context = new AudioContext();
  const tone = new OscillatorNode(context, { frequency: HERTZ });
  tone.connect(new GainNode(context, { gain: GAIN })).connect(context.destination);
  tone.start();
  return context;
}
