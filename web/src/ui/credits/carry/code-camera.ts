/** Reads QR codes with the camera, where the browser can: the Barcode Detection API of Chromium, on Android and macOS mostly. */

/** As often as a hand moves. */
const LOOK_MS = 200;

/** Not in TypeScript's library yet: https://wicg.github.io/shape-detection-api/ */
interface Detector {
  detect(picture: HTMLVideoElement): Promise<readonly { readonly rawValue: string }[]>;
}
interface DetectorClass {
  new (options: { formats: readonly string[] }): Detector;
  getSupportedFormats(): Promise<readonly string[]>;
}

function detectorClass(): DetectorClass | null {
  return (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector ?? null;
}

/** Can this browser do it? Never rejects. */
export async function canReadCodes(): Promise<boolean> {
  const found = detectorClass();
  // Without a secure origin there are no media devices at all, whatever the types say.
  if (found === null || (navigator.mediaDevices as MediaDevices | undefined) === undefined) return false;
  try {
    return (await found.getSupportedFormats()).includes('qr_code');
  } catch {
    // The system has no such service: the text can still be pasted.
    return false;
  }
}

/**
 * The first code in sight that `fits`. Shows in `video` what the camera sees, and turns it off in any case. Rejects with the
 * signal's reason, and with the browser's error where there is no camera or it may not be used.
 */
export async function readCode(
  video: HTMLVideoElement,
  fits: (text: string) => boolean,
  signal: AbortSignal,
): Promise<string> {
  const found = detectorClass();
  if (found === null) throw new DOMException('This browser reads no codes.', 'NotSupportedError');
  const camera = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' }, audio: false });
  try {
    signal.throwIfAborted();
    video.srcObject = camera;
    await video.play();
    const detector = new found({ formats: ['qr_code'] });
    for (;;) {
      signal.throwIfAborted();
      const codes = await detector.detect(video);
      const code = codes.find(({ rawValue }) => fits(rawValue));
      if (code !== undefined) return code.rawValue;
      await pause(signal);
    }
  } finally {
    video.srcObject = null;
    for (const track of camera.getTracks()) track.stop();
  }
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, LOOK_MS);
    signal.addEventListener('abort', done);
  });
}
