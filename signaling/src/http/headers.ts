/** The headers of every HTTP answer. */
import type { RequestHandler } from 'express';

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  // wllama starts its worker from a blob.
  "worker-src 'self' blob:",
  // Model files come from wherever the catalogue says; a gateway or a mesh may run on this computer.
  "connect-src 'self' https: ws: wss: http://localhost:* http://127.0.0.1:* blob: data:",
  "img-src 'self' data: blob:",
  "style-src 'self'",
  "font-src 'self'",
  "manifest-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

const HEADERS = {
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  // The first two together give the page SharedArrayBuffer, and with it threads in WebAssembly.
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  // The camera reads the QR code of an identity, and the microphone takes down a question, when a person presses the button for
  // that: the browser asks besides.
  'Permissions-Policy': 'camera=(self), microphone=(self), geolocation=()',
};

export const securityHeaders: RequestHandler = (_request, response, next) => {
  response.set(HEADERS);
  next();
};
