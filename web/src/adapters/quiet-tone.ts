/**
 * A tone that nobody hears, while which browsers take a page for one that plays music: its timers are not put off and it is
 * not frozen. Chromium counts as silence what has less power than −72 dBFS; this has 9 dB more, at a pitch that loudspeakers
 * do not have. Firefox spares pages with a running AudioContext.
 */
const HERTZ = 20;
/** A peak of −60 dBFS, a power of −63. */
const GAIN = 0.001;

export class QuietTone {
  #context: AudioContext | null = null;

  /** False: the browser plays nothing before a person has pressed something on the page, or has no sound at all. */
  async start(): Promise<boolean> {
    if (typeof AudioContext === 'undefined') return false;
    const context = (this.#context ??= makeContext());
    // Without a gesture it waits for one, for as long as it takes; or until the context is closed, which rejects it.
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
