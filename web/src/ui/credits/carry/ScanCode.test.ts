import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { afterEach, expect, it, vi } from 'vitest';
import ScanCode from './ScanCode.svelte';

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  Reflect.deleteProperty(navigator, 'mediaDevices');
});

/** jsdom has neither a camera nor a detector: stand-ins for both, of which the detector sees these codes, one a look. */
function standInCamera(codes: readonly string[], refusal: DOMException | null = null) {
  const stop = vi.fn();
  let look = 0;
  class StandInDetector {
    static getSupportedFormats = async () => ['qr_code'];
    detect = async () => [{ rawValue: codes[Math.min(look++, codes.length - 1)] ?? '' }];
  }
  vi.stubGlobal('BarcodeDetector', StandInDetector);
  const getUserMedia = async () => {
    if (refusal !== null) throw refusal;
    return { getTracks: () => [{ stop }] };
  };
  Object.defineProperty(navigator, 'mediaDevices', { configurable: true, value: { getUserMedia } });
  vi.spyOn(HTMLMediaElement.prototype, 'play').mockResolvedValue();
  Object.defineProperty(HTMLMediaElement.prototype, 'srcObject', { configurable: true, writable: true, value: null });
  return stop;
}

const scan = async () => fireEvent.click(await screen.findByRole('button', { name: 'Scan its QR code…' }));

it('takes the code of an identity and no other, and turns the camera off', async () => {
  const stop = standInCamera(['https://example.com', 'LLMESH-KEY-1:ABC']);
  const found = vi.fn();
  render(ScanCode, { found });
  await scan();
  await waitFor(() => expect(found).toHaveBeenCalledExactlyOnceWith('LLMESH-KEY-1:ABC'), { timeout: 20_000 });
  expect(stop).toHaveBeenCalledOnce();
});

it('stops when it is told to, or when the page goes', async () => {
  const stop = standInCamera(['nothing of ours']);
  const found = vi.fn();
  const { unmount } = render(ScanCode, { found });
  await scan();
  await fireEvent.click(await screen.findByRole('button', { name: 'Stop the camera' }));
  await waitFor(() => expect(stop).toHaveBeenCalledOnce());
  expect(screen.getByRole('status').textContent).toBe('');
  await scan();
  await screen.findByRole('button', { name: 'Stop the camera' });
  unmount();
  await waitFor(() => expect(stop).toHaveBeenCalledTimes(2));
  expect(found).not.toHaveBeenCalled();
});

it('says what to do where the camera may not be used', async () => {
  standInCamera([], new DOMException('no', 'NotAllowedError'));
  render(ScanCode, { found: vi.fn() });
  await scan();
  await waitFor(() => expect(screen.getByRole('status').textContent).toContain('Allow it beside the address'));
});

it('offers nothing where the browser reads no codes', async () => {
  const { container } = render(ScanCode, { found: vi.fn() });
  await waitFor(() => expect(container.querySelector('button')).toBeNull());
});
