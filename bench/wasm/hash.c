// SHA-256 (FIPS 180-4) of its argument's number of blocks, each the hash of those before.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
static uint32_t k[64], h[8];
static uint32_t rotr(uint32_t v, int n) { return v >> n | v << (32 - n); }
static void constants(void) {
  // The fractions of the roots of the first primes: integer Newton steps are enough, so this needs no table.
  int found = 0;
  for (int p = 2; found < 64; p++) {
    int prime = 1;
    for (int d = 2; d * d <= p; d++) if (p % d == 0) { prime = 0; break; }
    if (!prime) continue;
    unsigned __int128 target = (unsigned __int128)p << 96, low = 0, high = (unsigned __int128)1 << 36;
    while (high - low > 1) { unsigned __int128 mid = (low + high) / 2; if (mid * mid * mid <= target) low = mid; else high = mid; }
    k[found] = (uint32_t)low;
    if (found < 8) {
      target = (unsigned __int128)p << 64; low = 0; high = (unsigned __int128)1 << 37;
      while (high - low > 1) { unsigned __int128 mid = (low + high) / 2; if (mid * mid <= target) low = mid; else high = mid; }
      h[found] = (uint32_t)low;
    }
    found++;
  }
}
static void block(const uint32_t *in) {
  uint32_t w[64], s[8];
  for (int i = 0; i < 16; i++) w[i] = in[i];
  for (int i = 16; i < 64; i++)
    w[i] = w[i - 16] + (rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 7] + (rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ w[i - 2] >> 10);
  for (int i = 0; i < 8; i++) s[i] = h[i];
  for (int i = 0; i < 64; i++) {
    uint32_t a = s[7] + (rotr(s[4], 6) ^ rotr(s[4], 11) ^ rotr(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i];
    uint32_t b = (rotr(s[0], 2) ^ rotr(s[0], 13) ^ rotr(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    s[7] = s[6]; s[6] = s[5]; s[5] = s[4]; s[4] = s[3] + a; s[3] = s[2]; s[2] = s[1]; s[1] = s[0]; s[0] = a + b;
  }
  for (int i = 0; i < 8; i++) h[i] += s[i];
}
int main(int argc, char **argv) {
  long blocks = argc > 1 ? atol(argv[1]) : 1;
  constants();
  // The first is "abc" as the standard pads it, so that one block has the hash of its example.
  uint32_t in[16] = {0x61626380};
  in[15] = 24;
  for (long i = 0; i < blocks; i++) { block(in); for (int j = 0; j < 16; j++) in[j] = h[j & 7] + j; }
  for (int i = 0; i < 8; i++) printf("%08x", h[i]);
  printf("\n");
  return 0;
}
