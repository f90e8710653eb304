/** Inputs that crashed engines here (`TaskKind.risk`): nobody can crash them with the same one again and again. */
import { BoundedMap } from '../base/bounded-map.ts';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { toBase32 } from '../base/base32.ts';
import type { Clock } from '../base/clock.ts';
import { randomBytes } from '../base/random-bytes.ts';

/** A failure may have another reason, such as a lack of memory; a hanging engine blames the input at once. */
const MAX_FAILURES = 2;
const REFUSED_MS = 3_600_000;
/** The most inputs remembered; those that crashed the engine longest ago are forgotten first. */
const MAX_INPUTS = 256;
const SALT_BYTES = 16;

interface Broken {
  failures: number;
  atMs: number;
}

export class HarmfulInputs {
  readonly #clock: Clock;
  /** We keep no list of what others asked for: only someone who has an input can tell that it is among these. */
  readonly #salt = randomBytes(SALT_BYTES);
  readonly #inputs = new BoundedMap<string, Broken>(MAX_INPUTS);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  isRefused(risk: string): boolean {
    const broken = this.#inputs.get(this.#nameOf(risk));
    return broken !== undefined && broken.failures >= MAX_FAILURES && !this.#isOld(broken);
  }

  failed(risk: string): void {
    const name = this.#nameOf(risk);
    const before = this.#inputs.get(name);
    const failures = before === undefined || this.#isOld(before) ? 0 : before.failures;
    this.#remember(name, failures + 1);
  }

  hung(risk: string): void {
    this.#remember(this.#nameOf(risk), MAX_FAILURES);
  }

  #remember(name: string, failures: number): void {
    this.#inputs.set(name, { failures, atMs: this.#clock.now() });
  }

  #isOld({ atMs }: Broken): boolean {
    return this.#clock.now() - atMs > REFUSED_MS;
  }

  #nameOf(risk: string): string {
    return toBase32(sha256(concatBytes(this.#salt, utf8ToBytes(risk))));
  }
}
