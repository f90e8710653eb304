/** The part of W3C's `RTCDataChannel` that we use. */
export interface LinkDataChannel {
  readonly bufferedAmount: number;
  bufferedAmountLowThreshold: number;
  send(bytes: Uint8Array<ArrayBuffer>): void;
  addEventListener(type: 'bufferedamountlow', listener: () => void): void;
}

/** One that we set up ourselves. */
export interface RtcDataChannel extends LinkDataChannel {
  binaryType: string;
  readonly readyState: string;
  addEventListener(type: string, listener: (event: never) => void): void;
}
