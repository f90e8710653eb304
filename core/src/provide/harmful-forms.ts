/** Forms of answers that an engine here broke over: nobody has it break over the same one again and again. */
import { BoundedMap } from '../base/bounded-map.ts';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { toBase32 } from '../base/base32.ts';
import type { Clock } from '../base/clock.ts';
import { randomBytes } from '../base/random-bytes.ts';

/** A failure may have another reason, as a lack of memory; an engine that hangs has this one. */
const MAX_FAILURES = 2;
const REFUSED_MS = 3_600_000;
/** The most forms remembered; those that broke the engine longest ago are forgotten first. */
const MAX_FORMS = 256;
const SALT_BYTES = 16;

interface Broken {
  failures: number;
  atMs: number;
}

export class HarmfulForms {
  readonly #clock: Clock;
  /** What others asked for is no list to be kept: only who has a form can tell that it is among these. */
  readonly #salt = randomBytes(SALT_BYTES);
  readonly #forms = new BoundedMap<string, Broken>(MAX_FORMS);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  isRefused(schema: string): boolean {
    const broken = this.#forms.get(this.#nameOf(schema));
    return broken !== undefined && broken.failures >= MAX_FAILURES && !this.#isOld(broken);
  }

  failed(schema: string): void {
    const name = this.#nameOf(schema);
    const before = this.#forms.get(name);
    const failures = before === undefined || this.#isOld(before) ? 0 : before.failures;
    this.#remember(name, failures + 1);
  }

  hung(schema: string): void {
    this.#remember(this.#nameOf(schema), MAX_FAILURES);
  }

  #remember(name: string, failures: number): void {
    this.#forms.set(name, { failures, atMs: this.#clock.now() });
  }

  #isOld({ atMs }: Broken): boolean {
    return this.#clock.now() - atMs > REFUSED_MS;
  }

  #nameOf(schema: string): string {
    return toBase32(sha256(concatBytes(this.#salt, utf8ToBytes(schema))));
  }
}
