#include <stdio.h>
#include <string.h>
int main(int argc, char **argv) {
  long bytes = 0, lines = 0; int c;
  while ((c = getchar()) != EOF) { bytes++; lines += c == '\n'; }
  printf("%ld lines, %ld bytes, %d arguments, last %s\n", lines, bytes, argc, argv[argc - 1]);
  FILE *f = fopen("seen.txt", "w"); if (!f) return 3; fprintf(f, "%ld\n", bytes); fclose(f);
  return 0;
}
