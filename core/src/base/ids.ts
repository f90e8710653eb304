import { toBase32 } from './base32.ts';
import { randomBytes } from './random-bytes.ts';

/** Ids are branded so that a peer's id can never stand where a task's is meant. */
export type PeerId = string & { readonly brand: 'PeerId' };
export type TaskId = string & { readonly brand: 'TaskId' };
export type ModelId = string & { readonly brand: 'ModelId' };
/** The SHA-256 of a model's manifest, in hex: see `models/manifest.ts`. */
export type ContentId = string & { readonly brand: 'ContentId' };
/** A network with a genesis of its own: `net_` and 160 bits of the genesis' hash. See `networks/genesis.ts`. */
export type NetworkId = string & { readonly brand: 'NetworkId' };
/** The name of a kind of task: `chat`, `embedding`, or what somebody else has made. See `tasks/task-kind.ts`. */
export type TaskName = string;

const PEER_ID = /^[a-z2-7]{32}$/;
const TASK_ID = /^[a-z2-7]{16}$/;
const MODEL_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$/;
const CONTENT_ID = /^[0-9a-f]{64}$/;
const NETWORK_ID = /^net_[a-z2-7]{32}$/;
const TASK_NAME = /^[a-z][a-z0-9-]{0,31}$/;

export function isPeerId(value: unknown): value is PeerId {
  return typeof value === 'string' && PEER_ID.test(value);
}

export function isTaskId(value: unknown): value is TaskId {
  return typeof value === 'string' && TASK_ID.test(value);
}

export function isModelId(value: unknown): value is ModelId {
  return typeof value === 'string' && MODEL_ID.test(value);
}

export function isContentId(value: unknown): value is ContentId {
  return typeof value === 'string' && CONTENT_ID.test(value);
}

export function isNetworkId(value: unknown): value is NetworkId {
  return typeof value === 'string' && NETWORK_ID.test(value);
}

export function isTaskName(value: unknown): value is TaskName {
  return typeof value === 'string' && TASK_NAME.test(value);
}

/** A fresh id of 160 random bits. */
export function newPeerId(): PeerId {
  return toBase32(randomBytes(20)) as PeerId;
}

/** A fresh id of 80 random bits: unique among the tasks of one requester. */
export function newTaskId(): TaskId {
  return toBase32(randomBytes(10)) as TaskId;
}

/** The network that has to be at this address; null: whichever is there. */
export function networkIn({ hash }: URL): NetworkId | null {
  const network = hash.slice(1);
  return isNetworkId(network) ? network : null;
}

/** The address, for peers that enter no other network there. */
export function addressIn(address: URL, network: NetworkId): URL {
  return new URL(`#${network}`, address);
}
