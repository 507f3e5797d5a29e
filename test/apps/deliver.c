// Calls thaw_checkpoint() and tells what its launch was called with. Not run by the table of apps:
// it has no status file.
#include <thaw.h>

int main(int argc, char** argv) {
  int answer = thaw_checkpoint();
  printf("%d started with %s, launched with", answer, argc > 1 ? argv[1] : "-");
  for (int i = 1; thaw_argument(i) != NULL; i++) printf(" %s", thaw_argument(i));
  const char* level = thaw_variable("LEVEL");
  printf(" LEVEL=%s\n", level == NULL ? "-" : level);
  return 0;
}
