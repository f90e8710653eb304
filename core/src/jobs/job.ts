/**
 * A job: a WASI command with everything that it reads, and how much it may take. The same job has the same outcome, byte
 * for byte, on every computer: that is how it is checked.
 */
import * as v from 'valibot';
import { bytes, count, text } from '../wire/fields.ts';

/** It travels inside the message that asks for the job. */
export const MAX_JOB_MODULE_BYTES = 786_432;
export const MAX_GAS = 1_000_000_000_000;
/** 256 MiB. */
export const MAX_PAGES = 4_096;
const MAX_WALL_MS = 600_000;
/** With the names of its files, an outcome fits in one message. */
export const MAX_OUTPUT_BYTES = 917_504;
export const MAX_JOB_FILES = 256;
const MAX_WORDS = 64;
const MAX_WORD_CHARS = 4_096;
const MAX_INPUT_FILE_BYTES = 1_048_576;
/** A path below the job's own folder. */
const FILE_NAME = /^(?!\.{1,2}(\/|$))[\w.+@ -]{1,128}(\/(?!\.{1,2}(\/|$))[\w.+@ -]{1,128}){0,7}$/;

export const fileName = v.pipe(v.string(), v.maxLength(255), v.regex(FILE_NAME));
const word = v.pipe(
  text(MAX_WORD_CHARS),
  v.check((value) => !value.includes('\0')),
);

const JobFileSchema = v.object({ name: fileName, bytes: bytes(MAX_OUTPUT_BYTES) });
export type JobFile = v.InferOutput<typeof JobFileSchema>;
const OutputFilesSchema = v.pipe(v.array(JobFileSchema), v.maxLength(MAX_JOB_FILES));

const JobLimitsSchema = v.object({
  /** See `metered.ts`: about an instruction each. */
  gas: v.pipe(count, v.minValue(1), v.maxValue(MAX_GAS)),
  /** Of memory, of 64 KiB each. */
  pages: v.pipe(count, v.minValue(1), v.maxValue(MAX_PAGES)),
  /** How long it may take a volunteer; another one may be faster. */
  wallMs: v.pipe(count, v.minValue(1_000), v.maxValue(MAX_WALL_MS)),
  /** What it prints and what it writes into files, together. */
  outputBytes: v.pipe(count, v.minValue(0), v.maxValue(MAX_OUTPUT_BYTES)),
});
export type JobLimits = v.InferOutput<typeof JobLimitsSchema>;

/** What suits a program that computes for some seconds. */
export const DEFAULT_JOB_LIMITS: JobLimits = {
  gas: 1_000_000_000,
  pages: 1_024,
  wallMs: 120_000,
  outputBytes: 524_288,
};

/** What a job has done so far: enough to go on somewhere else. */
export const JobStateSchema = v.object({
  gas: v.pipe(count, v.maxValue(MAX_GAS)),
  stdout: bytes(MAX_OUTPUT_BYTES),
  stderr: bytes(MAX_OUTPUT_BYTES),
  files: OutputFilesSchema,
});
export type JobState = v.InferOutput<typeof JobStateSchema>;

export const JobSchema = v.object({
  module: bytes(MAX_JOB_MODULE_BYTES),
  args: v.pipe(v.array(word), v.maxLength(MAX_WORDS)),
  env: v.pipe(v.array(v.tuple([word, word])), v.maxLength(MAX_WORDS)),
  stdin: bytes(MAX_INPUT_FILE_BYTES),
  files: v.pipe(
    v.array(v.object({ name: fileName, bytes: bytes(MAX_INPUT_FILE_BYTES) })),
    v.maxLength(MAX_JOB_FILES),
    v.check((files) => new Set(files.map(({ name }) => name)).size === files.length),
  ),
  /** What it gets when it asks for chance is derived from this. */
  seed: v.pipe(count, v.maxValue(0xffff_ffff)),
  limits: JobLimitsSchema,
  /** When it has written this file, it can go on from there elsewhere: it reads the file when it begins. */
  checkpoint: v.optional(fileName),
  resumed: v.optional(JobStateSchema),
});
export type WasmJob = v.InferOutput<typeof JobSchema>;

/** `exit`: by itself; else what it ran out of, or `trap`: it did what WebAssembly forbids. */
const JOB_ENDS = ['exit', 'gas', 'depth', 'output', 'trap'] as const;

export const JobOutcomeSchema = v.object({
  end: v.picklist(JOB_ENDS),
  /** 0 where it did not exit by itself, too. */
  exitCode: v.pipe(count, v.maxValue(0xffff_ffff)),
  ...JobStateSchema.entries,
});
export type JobOutcome = v.InferOutput<typeof JobOutcomeSchema>;
