import { expect, test } from 'vitest';
import { networkOf, widerNetworkOf } from './address.ts';

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:0db8:1:2:ffff::', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:db8::1:2:3:4:5', '2001:db8:0:1::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['::', '0:0:0:0::/64'],
  ['unknown', 'unknown'],
])('%s counts as %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test.each([
  ['192.0.2.7', '192.0.2.0/24'],
  ['2001:db8:1:2ff::/64', '2001:db8:1:200::/56'],
  ['2001:db8:0:0::/64', '2001:db8:0:0::/56'],
  ['0:0:0:0::/64', '0:0:0:0::/56'],
  ['unknown', 'unknown'],
])('around %s lies %s', (network, wider) => {
  expect(widerNetworkOf(network)).toBe(wider);
});
