/** For the fuzzer: the decoders of messages. */
import { encode } from '@msgpack/msgpack';
import { concatBytes } from '@noble/hashes/utils.js';
import * as v from 'valibot';
import { parseCatalogue } from '../policy/catalogue.ts';
import { dtlsPrologue } from '../transport/dtls-prologue.ts';
import { MessageReader, writeMessage } from '../wire/frame.ts';
import { MAX_FRAGMENT_BYTES, PROTOCOL_VERSION, type DataMessage, SEAL_BYTES } from '../protocol.ts';
import { parseFromServer, parseToServer } from '../wire/control-protocol.ts';
import { parseSignal } from '../transport/signal-filter.ts';
import { sameBytes } from '../wire/canonical.ts';
import { refusable } from './refusal.ts';
import { joined, separate } from './separate.ts';
import type { FuzzTarget } from './fuzz.ts';
import {
  dataMessages,
  toServer,
  fromServer,
  description,
  signals,
  nastyMessages,
  nastyToServer,
  nastyFromServer,
  nastyDescriptions,
  nastySignals,
  long,
} from './message-samples.ts';
import { bytesOf, textOf } from './utf8.ts';

/** `catalogue`: a decoded JSON value that should be one. */
export function messageDecoders(catalogue: unknown): FuzzTarget[] {
  return [
    {
      name: 'fragments',
      weight: 60,
      values: dataMessages,
      wrap: fragmented,
      run: readFragments,
      write: (value) => encode(value, { maxDepth: 100 }),
      seeds: [...dataMessages, long].map((message) => joined(fragmentsOf(message))),
      nasty: nastyMessages.map((message) => fragmented(encode(message, { maxDepth: 100 }))),
    },
    { ...json('peer → server', 40, toServer, (text) => parseToServer(text)), nasty: nastyToServer.map(jsonOf) },
    { ...json('server → peer', 40, fromServer, (text) => parseFromServer(text)), nasty: nastyFromServer.map(jsonOf) },
    { ...json('signals', 40, signals, (text) => parseSignal(parsed(text))), nasty: nastySignals.map(jsonOf) },
    json('catalogue', 4, [catalogue], (text) => refusedByValibot(() => parseCatalogue(parsed(text)))),
    {
      name: 'fingerprints',
      weight: 10,
      seeds: [bytesOf(description)],
      nasty: nastyDescriptions.map(bytesOf),
      run: (input) => refusable(() => dtlsPrologue(description, textOf(input)).byteLength > 0),
    },
  ];
}

function fragmentsOf(message: DataMessage): Uint8Array[] {
  const fragments: Uint8Array[] = [];
  writeMessage(message, (fragment) => fragments.push(fragment));
  return fragments;
}

/** Fragments as a stranger may cut them, with any content. */
function fragmented(body: Uint8Array): Uint8Array {
  const room = MAX_FRAGMENT_BYTES - SEAL_BYTES - 2;
  const fragments: Uint8Array[] = [];
  for (let at = 0; at < body.byteLength; at += room) {
    const last = at + room >= body.byteLength ? 1 : 0;
    fragments.push(concatBytes(new Uint8Array([PROTOCOL_VERSION, last]), body.subarray(at, at + room)));
  }
  return joined(fragments);
}

function readFragments(input: Uint8Array): boolean {
  const reader = new MessageReader();
  let accepted = false;
  const readable = refusable(() => {
    for (const fragment of separate(input)) {
      const message = reader.read(fragment);
      if (message === null) continue;
      const again = joined(fragmentsOf(message));
      if (!sameBytes(again, joined(fragmentsOf(reread(again)))))
        throw new Error('a message changes when it is passed on');
      accepted = true;
    }
    return true;
  });
  return readable && accepted;
}

function reread(fragments: Uint8Array): DataMessage {
  const reader = new MessageReader();
  for (const fragment of separate(fragments)) {
    const message = reader.read(fragment);
    if (message !== null) return message;
  }
  throw new Error('a message is not whole when it is passed on');
}

/** An accepted value must be accepted as the same value when it is written again. */
function json(name: string, weight: number, values: readonly unknown[], read: (text: string) => unknown): FuzzTarget {
  const run = (input: Uint8Array) =>
    refusable(() => {
      const value = read(textOf(input));
      if (value === null) return false;
      const text = JSON.stringify(value);
      if (JSON.stringify(read(text)) !== text) throw new Error('a message changes when it is passed on');
      return true;
    });
  return { name, weight, values, write: jsonOf, run, seeds: values.map(jsonOf) };
}

/** Parses as those do who hand on what they parsed themselves. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return null;
    throw thrown;
  }
}

function refusedByValibot<T>(read: () => T): T | null {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof v.ValiError) return null;
    throw thrown;
  }
}

function jsonOf(value: unknown): Uint8Array {
  return bytesOf(JSON.stringify(value) ?? '');
}
