/** What the process of a job says to the one that started it: frames of a length, a kind, and MessagePack. */
import * as v from 'valibot';
import { ERROR_CODES } from '@llmesh/core/base/errors';
import { JobOutcomeSchema, JobStateSchema, MAX_OUTPUT_BYTES } from '@llmesh/core/jobs/job';
import { packBody, readBody } from '@llmesh/core/wire/body';

const HEADER_BYTES = 5;
const MAX_FRAME_BYTES = MAX_OUTPUT_BYTES + 131_072;
const KINDS = ['checkpoint', 'outcome', 'failed'] as const;

const FailedSchema = v.object({ code: v.picklist(ERROR_CODES), message: v.pipe(v.string(), v.maxLength(1_024)) });
const SCHEMAS = { checkpoint: JobStateSchema, outcome: JobOutcomeSchema, failed: FailedSchema };

export type JobFrame = {
  [K in keyof typeof SCHEMAS]: { kind: K; body: v.InferOutput<(typeof SCHEMAS)[K]> };
}[keyof typeof SCHEMAS];

export function packFrame({ kind, body }: JobFrame): Uint8Array {
  const packed = packBody(body);
  const frame = new Uint8Array(HEADER_BYTES + packed.byteLength);
  new DataView(frame.buffer).setUint32(0, packed.byteLength);
  frame[4] = KINDS.indexOf(kind);
  frame.set(packed, HEADER_BYTES);
  return frame;
}

/** Puts frames together from what a process sent, whose memory may be in a stranger's hands. */
export class FrameReader {
  #come = Buffer.alloc(0);

  /** Null: it sends something else, and cannot be believed any more. */
  read(bytes: Buffer): JobFrame[] | null {
    this.#come = Buffer.concat([this.#come, bytes]);
    const frames: JobFrame[] = [];
    while (this.#come.byteLength >= HEADER_BYTES) {
      const length = this.#come.readUInt32BE(0);
      if (length > MAX_FRAME_BYTES) return null;
      if (this.#come.byteLength < HEADER_BYTES + length) break;
      const frame = frameOf(
        this.#come[4] ?? 0,
        new Uint8Array(this.#come.subarray(HEADER_BYTES, HEADER_BYTES + length)),
      );
      if (frame === null) return null;
      frames.push(frame);
      this.#come = this.#come.subarray(HEADER_BYTES + length);
    }
    return frames;
  }
}

function frameOf(number: number, packed: Uint8Array): JobFrame | null {
  const kind = KINDS[number];
  switch (kind) {
    case undefined:
      return null;
    case 'checkpoint': {
      const body = readBody(SCHEMAS[kind], packed);
      return body === null ? null : { kind, body };
    }
    case 'outcome': {
      const body = readBody(SCHEMAS[kind], packed);
      return body === null ? null : { kind, body };
    }
    case 'failed': {
      const body = readBody(SCHEMAS[kind], packed);
      return body === null ? null : { kind, body };
    }
    default:
      return kind satisfies never;
  }
}
