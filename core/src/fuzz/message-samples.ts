/** For the fuzzer: valid messages of every kind, and some that are as large and as untrue as messages can be. */
import type { ContentId, ModelId, PeerId, TaskId } from '../base/ids.ts';
import { PROTOCOL_VERSION, type DataMessage } from '../protocol.ts';
import type { FromServer, ToServer } from '../wire/control-protocol.ts';
import type { ModelAdvert, Offer } from '../wire/model-advert.ts';

const ada = 'a'.repeat(32) as PeerId;
const bob = 'b'.repeat(32) as PeerId;
const taskId = 'c'.repeat(16) as TaskId;
const model = 'llmesh-tiny' as ModelId;
const content = 'cd'.repeat(32) as ContentId;

const advert: ModelAdvert = {
  id: model,
  name: 'LLMesh tiny',
  quant: 'q8',
  contextTokens: 2048,
  sha256: '5a'.repeat(32),
  tokensPerSecond: 12.5,
  continues: 'text',
  format: 'gguf',
  backend: 'cpu',
};
const offer: Offer = {
  id: model,
  name: 'LLMesh tiny',
  quant: 'q8',
  contextTokens: 2048,
  tokensPerSecond: null,
  providers: 1,
  slots: 2,
  busySlots: 1,
  queued: 0,
  format: 'gguf',
};

export const dataMessages: DataMessage[] = [
  { kind: 'PING', nonce: 7, reply: true },
  {
    kind: 'TASK_REQUEST',
    taskId,
    task: 'chat',
    model,
    file: 'ab'.repeat(32),
    input: new Uint8Array([0x80]),
    maxUnits: 64,
    lease: new Uint8Array(40),
    salt: new Uint8Array(16),
  },
  {
    kind: 'TASK_REQUEST',
    taskId,
    task: 'render-tile',
    model,
    file: null,
    input: new Uint8Array([0xc0]),
    maxUnits: 1,
    lease: null,
    salt: new Uint8Array(16),
  },
  { kind: 'TASK_ACCEPTED', taskId, ahead: 3 },
  { kind: 'TASK_ACCEPTED', taskId, ahead: 0, half: new Uint8Array(16).fill(3) },
  {
    kind: 'TASK_CHUNK',
    taskId,
    index: 300,
    units: 2,
    piece: new Uint8Array([0x81, 0xa4, 116, 101, 120, 116, 0xa1, 97]),
  },
  {
    kind: 'TASK_RESPONSE',
    taskId,
    units: 302,
    inputUnits: 12,
    result: new Uint8Array([0x80]),
    receipt: new Uint8Array(180),
  },
  { kind: 'TASK_ACK', taskId, acknowledgement: new Uint8Array(170) },
  { kind: 'TASK_RECEIPT', taskId, receipt: new Uint8Array(180) },
  { kind: 'TASK_CANCEL', taskId },
  { kind: 'TASK_ERROR', taskId, code: 'busy', message: 'Try another volunteer.' },
  { kind: 'REQUEST_PEERS' },
  { kind: 'REQUEST_PEERS', most: 0, checkpoint: 'log\n1\ncm9vdA==\n\n— log c2ln\n' },
  {
    kind: 'KNOWN_PEERS',
    peers: [
      {
        peerId: bob,
        agent: 'native',
        model: { ...advert },
        slots: 2,
        busySlots: 1,
        queued: 0,
        reliability: 0.5,
        certificate: 'm'.repeat(205),
        ageSeconds: 70,
        linked: true,
      },
      {
        peerId: ada,
        agent: 'browser',
        model: { ...advert },
        slots: 1,
        busySlots: 0,
        queued: 0,
        reliability: 1,
        certificate: null,
        ageSeconds: 0,
        linked: false,
      },
    ],
  },
  { kind: 'INTRODUCE', id: 3, peer: bob, offer: 'v=0' },
  { kind: 'INTRODUCED', id: 4, peer: ada, offer: 'v=0' },
  { kind: 'INTRODUCTION', id: 4, answer: 'v=0' },
  { kind: 'INTRODUCTION', id: 3, answer: null },
  { kind: 'SEEK', content },
  { kind: 'HAVE', content, bits: null, knows: ['names', 'chunks'] },
  { kind: 'HAVE', content, bits: new Uint8Array([0b1010_0000]) },
  { kind: 'GAINED', content, pieces: [3, 1_048_575] },
  { kind: 'FETCHING', content, pieces: [] },
  {
    kind: 'WANT',
    content,
    wants: [
      { id: 1, what: 'layer', file: 0 },
      { id: 2, what: 'piece', piece: 7 },
    ],
  },
  { kind: 'UNWANT', ids: [2] },
  { kind: 'DECLINE', ids: [1, 0xffff_ffff] },
  { kind: 'WANT_MANIFEST', content },
  { kind: 'MANIFEST', content, bytes: new Uint8Array(180) },
  { kind: 'PROVE', id: 3, content, file: 0, leaf: 64 },
  { kind: 'PROOF', id: 3, proof: { bytes: new Uint8Array(16_384), path: new Uint8Array(224) } },
  { kind: 'PROOF', id: 4, proof: null },
  { kind: 'WANT_CHUNKS', content, from: 262_144 },
  { kind: 'WANT_NAME', sha256: content },
  { kind: 'NAME', sha256: content, content },
  { kind: 'NAME', sha256: content, content: null },
  { kind: 'CHUNKS', content, from: 0, bytes: new Uint8Array(19) },
];

export const toServer: ToServer[] = [
  { type: 'hello', version: PROTOCOL_VERSION, peerId: ada, agent: 'browser', key: null },
  { type: 'hello', version: PROTOCOL_VERSION, peerId: ada, agent: 'native', key: 'd'.repeat(52) },
  { type: 'proof', signature: 'e'.repeat(103), work: 1_234 },
  {
    type: 'advert',
    models: [
      {
        ...advert,
        abilities: ['schema', 'logprobs'],
        adapters: [{ sha256: 'ab'.repeat(32), name: 'Law' }],
        fetchesAdapters: true,
        takesAdapters: { architecture: 'llama', width: 4_096, layers: 32 },
      },
      { ...advert, task: 'embedding', sha256: null, tokensPerSecond: null, wakesInMs: 4_000, embeds: 384 },
    ],
    slots: 2,
    certificate: null,
  },
  { type: 'heartbeat', busySlots: 1, queued: 4, unitsPerSecond: 9.75, units: 30 },
  { type: 'match', requestId: 9, model, maxUnits: 64, exclude: [bob], only: null, prefer: null },
  {
    type: 'match',
    requestId: 9,
    task: 'chat',
    model,
    maxUnits: 64,
    complexity: 1_500,
    exclude: [],
    only: [bob],
    prefer: bob,
    needs: ['schema', 'completion'],
    adapter: 'ab'.repeat(32),
    bringsAdapter: true,
  },
  { type: 'withdraw', requestId: 9 },
  { type: 'report', requestId: 15, report: 'u'.repeat(96) },
  {
    type: 'file',
    requestId: 10,
    lease: 'f'.repeat(200),
    proof: { kind: 'receipt', provider: 'g'.repeat(280), requester: 'h'.repeat(280) },
  },
  {
    type: 'file',
    requestId: 11,
    lease: 'f'.repeat(200),
    proof: { kind: 'acknowledgement', acknowledgement: 'k'.repeat(270) },
  },
  { type: 'relay', requestId: 12, peer: bob },
  { type: 'hold', held: [{ content, sha256: 'ab'.repeat(32), whole: true }], certificate: null },
  { type: 'hold', held: [{ content, sha256: null, whole: false }], certificate: 'd'.repeat(205) },
  { type: 'hold', held: [], certificate: null, keeps: { roomBytes: 5_000_000_000, refused: [content] } },
  { type: 'kept', requestId: 17, report: 'u'.repeat(96) },
  { type: 'holders', requestId: 16, content, sha256: null },
  { type: 'bye' },
];

export const fromServer: FromServer[] = [
  { type: 'challenge', nonce: 'd'.repeat(52), workBits: 16 },
  {
    type: 'welcome',
    version: PROTOCOL_VERSION,
    heartbeatMs: 1000,
    signalToken: 'f'.repeat(26),
    issuer: ada,
    iceServers: [{ urls: ['stun:a.example', 'turn:b.example'], username: 'u', credential: 'c' }, { urls: 'stun:c' }],
  },
  {
    type: 'matched',
    requestId: 9,
    lease: 'n'.repeat(300),
    candidates: [
      {
        peerId: bob,
        agent: 'native',
        model: { ...advert },
        slots: 2,
        busySlots: 1,
        queued: 0,
        reliability: 0.95,
        certificate: 'm'.repeat(205),
      },
    ],
  },
  { type: 'ice', iceServers: [{ urls: 'turn:d.example', username: '1:ada', credential: 'c' }] },
  { type: 'matched', requestId: 9, lease: null, candidates: [] },
  { type: 'queued', requestId: 9, position: 3, estimateMs: 40_000 },
  { type: 'queued', requestId: 9, position: 1, estimateMs: null },
  { type: 'filed', requestId: 10 },
  { type: 'relayed', requestId: 12, ticket: 'p'.repeat(32) },
  { type: 'held', requestId: 16, holders: [{ peerId: bob, content, whole: true, certificate: null }] },
  { type: 'call', peer: bob, ticket: 'q'.repeat(32) },
  { type: 'gone', peer: bob },
  { type: 'expect', model },
  { type: 'keep', contents: [{ content, sizeBytes: null }] },
  { type: 'prove', draw: 'u'.repeat(96), keeper: bob, certificate: null, content, epoch: 500_000 },
  { type: 'audit', leaseId: 'r'.repeat(26), draw: 's'.repeat(96), lease: 't'.repeat(96), auditors: [] },
  { type: 'question', provider: bob, model },
  {
    type: 'standing',
    model,
    level: 'suspected',
    checked: 12,
    agreed: 9,
    reason: 'Some answers differ. Test the model.',
  },
  { type: 'offers', peers: 3, providers: 1, models: [{ ...offer }, { ...offer, task: 'embedding', embeds: 384 }] },
  {
    type: 'offers',
    peers: 3,
    providers: 1,
    models: [
      {
        ...offer,
        adapters: [{ sha256: 'ab'.repeat(32), name: 'Law' }],
        moreAdapters: true,
        takesAdapters: { architecture: 'qwen2', width: 896, layers: 24 },
      },
    ],
  },
  { type: 'offers', peers: 3, providers: 1, models: [], shunned: [bob] },
  { type: 'refused', requestId: 9, code: 'unknown_model', message: 'Choose another model.' },
];

const sdp = ['v=0', 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', `a=fingerprint:sha-256 ${'AB:'.repeat(31)}CD`];
export const description = `${sdp.join('\r\n')}\r\n`;
export const signals: unknown[] = [
  ...[{ type: 'OPEN' }, { type: 'ID-TAKEN' }, { type: 'INVALID-KEY' }, { type: 'EXPIRE', src: bob }],
  { type: 'ERROR', payload: { msg: 'no' } },
  {
    type: 'OFFER',
    src: bob,
    payload: {
      type: 'data',
      serialization: 'raw',
      reliable: true,
      connectionId: 'dc_1',
      label: 'dc_1',
      sdp: { type: 'offer', sdp: description },
    },
  },
  { type: 'ANSWER', src: bob, payload: { connectionId: 'dc_1', sdp: { type: 'answer', sdp: description } } },
  {
    type: 'CANDIDATE',
    src: bob,
    payload: {
      connectionId: 'dc_1',
      candidate: {
        candidate: 'candidate:1 1 udp 1 10.0.0.1 9 typ host',
        sdpMid: '0',
        sdpMLineIndex: 0,
        usernameFragment: 'x',
      },
    },
  },
];

/** As large as messages can be, and what is said of them a lie. */
export const nastyMessages: unknown[] = [
  { ...dataMessages[1], input: new Uint8Array(1_040_000) },
  { ...dataMessages[1], task: 'a'.repeat(100_000) },
  { kind: 'TASK_CHUNK', taskId, index: 0, units: 1, piece: new Uint8Array(524_289) },
  { kind: 'TASK_RESPONSE', taskId, units: 9e15, inputUnits: 9e15, result: new Uint8Array(65_537), receipt: null },
  { kind: 'HAVE', content, bits: new Uint8Array(1_000_000) },
  { kind: 'GAINED', content, pieces: Array.from({ length: 4_096 }, (_, i) => i) },
  { kind: 'MANIFEST', content, bytes: new Uint8Array(1_000_000) },
  { kind: 'CHUNKS', content, from: 9e15, bytes: new Uint8Array(1_000_000) },
  { kind: 'INTRODUCE', id: 9e15, peer: bob, offer: '\ud83d'.repeat(12_288) },
  {
    kind: 'KNOWN_PEERS',
    peers: Array.from({ length: 32 }, () => ({
      peerId: bob,
      agent: 'native',
      model: fat(advert),
      slots: 1,
      busySlots: 0,
      queued: 0,
      reliability: 1,
      certificate: 'm'.repeat(205),
      ageSeconds: 0,
      linked: false,
    })),
  },
];
/** The advert with as many adapters as it may have, with names that JSON writes six times as long. */
function fat(one: ModelAdvert): ModelAdvert {
  const sha256 = (i: number) => i.toString(16).padStart(64, '0');
  const adapters = Array.from({ length: 16 }, (_, i) => ({ sha256: sha256(i), name: '\u0001'.repeat(64) }));
  return { ...one, name: '\u0001'.repeat(64), adapters };
}
export const nastyToServer: unknown[] = [
  {
    type: 'hold',
    held: Array.from({ length: 10_000 }, () => ({ content, sha256: null, whole: true })),
    certificate: null,
  },
  { type: 'advert', models: Array.from({ length: 16 }, () => fat(advert)), slots: 1_024, certificate: null },
  { type: 'advert', models: [{ ...advert, contextTokens: 0, tokensPerSecond: 5e8 }], slots: 9e15, certificate: null },
  { type: 'heartbeat', busySlots: 9e15, queued: 9e15, unitsPerSecond: 1e308, units: 9e15 },
  { ...toServer.find(({ type }) => type === 'match'), only: Array.from({ length: 100_000 }, () => bob) },
  { type: 'file', requestId: 1, lease: 'a'.repeat(500_000), proof: { kind: 'receipt', provider: '', requester: '' } },
];
export const nastyFromServer: unknown[] = [
  { ...fromServer.find(({ type }) => type === 'matched'), lease: 'a'.repeat(500_000) },
  { type: 'offers', peers: 1, providers: 1, models: Array.from({ length: 1_000 }, () => offer) },
  { type: 'ice', iceServers: Array.from({ length: 10_000 }, () => ({ urls: 'stun:a' })) },
];
export const nastyDescriptions = [
  `${description}${'a=fingerprint:sha-256 AB\r\n'.repeat(10_000)}`,
  `a=fingerprint:${' '.repeat(100_000)}`,
  `${'a='.repeat(100_000)}\r`,
];
export const nastySignals: unknown[] = nastyDescriptions.map((sdp) => ({
  type: 'OFFER',
  src: bob,
  payload: { type: 'data', connectionId: 'dc_1', sdp: { type: 'offer', sdp } },
}));

/** Takes several fragments. */
export const long: DataMessage = {
  kind: 'TASK_REQUEST',
  taskId,
  task: 'chat',
  model,
  file: null,
  input: new Uint8Array(40_000),
  maxUnits: 1,
  lease: null,
  salt: new Uint8Array(16),
};
