// The planets of the Computer Language Benchmarks Game, for as many steps as its argument says.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#define N 5
static double x[N] = {0, 4.84143144246472090, 8.34336671824457987, 12.8943695621391310, 15.3796971148509165};
static double y[N] = {0, -1.16032004402742839, 4.12479856412430479, -15.1111514016986312, -25.9193146099879641};
static double z[N] = {0, -.103622044471123109, -.403523417114321381, -.223307578892655734, .179258772950371181};
static double vx[N] = {0, .606326392995832, -1.01077434617879, 1.08279100644153, .979090732243898};
static double vy[N] = {0, 2.81198684491626, 1.82566237123041, .868713018169608, .594698998647676};
static double vz[N] = {0, -.0252183616598876, .00841576137658415, -.0108326374013636, -.0347559555078104};
static double m[N] = {39.4784176043574, .0376936749096643, .0112863261319687, .00172372405705971, .00203368686992463};
int main(int argc, char **argv) {
  long steps = argc > 1 ? atol(argv[1]) : 1000;
  for (long s = 0; s < steps; s++) {
    for (int i = 0; i < N; i++)
      for (int j = i + 1; j < N; j++) {
        double dx = x[i] - x[j], dy = y[i] - y[j], dz = z[i] - z[j];
        double d2 = dx * dx + dy * dy + dz * dz, mag = 0.01 / (d2 * sqrt(d2));
        vx[i] -= dx * m[j] * mag; vy[i] -= dy * m[j] * mag; vz[i] -= dz * m[j] * mag;
        vx[j] += dx * m[i] * mag; vy[j] += dy * m[i] * mag; vz[j] += dz * m[i] * mag;
      }
    for (int i = 0; i < N; i++) { x[i] += 0.01 * vx[i]; y[i] += 0.01 * vy[i]; z[i] += 0.01 * vz[i]; }
  }
  for (int i = 0; i < N; i++) printf("%.17g %.17g %.17g\n", x[i], y[i], z[i]);
  return 0;
}
