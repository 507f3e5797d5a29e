// What an app does with its environment while it warms up, and what of the caller's it sees after a
// launch. Usage: lookups [walk|envp|child|clear|copy]; prints "warm", waits for the file `go`.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

static const char* value(const char* name) {
  const char* found = getenv(name);
  return found == NULL ? "-" : found;
}

static const char* in_array(char** array, const char* name) {
  size_t length = strlen(name);
  for (; array != NULL && *array != NULL; array++)
    if (strncmp(*array, name, length) == 0 && (*array)[length] == '=') return *array + length + 1;
  return "-";
}

static void print_shown(const char* name) {
  static char text[65536];
  FILE* file = fopen("/proc/self/environ", "r");
  size_t size = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  size_t length = strlen(name);
  for (char* entry = text; entry < text + size; entry += strlen(entry) + 1)
    if (strncmp(entry, name, length) == 0 && entry[length] == '=')
      printf(" shown=%s", entry + length + 1);
}

static void wait_for_go(void) {
  while (access("go", F_OK) != 0) usleep(2000);
}

/// With an environment of its own making, which it frees at its end, as php-fpm.
static int use_copy(void) {
  size_t count = 0;
  while (environ[count] != NULL) count++;
  char** copy = calloc(count + 1, sizeof *copy);
  for (size_t i = 0; i < count; i++) copy[i] = strdup(environ[i]);
  environ = copy;
  puts("warm");
  fflush(stdout);
  wait_for_go();
  printf("NEW=%s\n", value("NEW"));
  char** own = environ;
  environ = NULL;
  for (size_t i = 0; own[i] != NULL; i++) free(own[i]);
  free(own);
  puts("freed");
  return 0;
}

int main(int argc, char** argv, char** envp) {
  const char* how = argc > 1 ? argv[1] : "";
  if (strcmp(how, "copy") == 0) return use_copy();
  printf("LOOKED=%s\n", value("LOOKED"));
  if (strcmp(how, "walk") == 0) printf("walked %d\n", *in_array(environ, "NONE") == '-');
  if (strcmp(how, "envp") == 0) printf("walked %d\n", *in_array(envp, "NONE") == '-');
  if (strcmp(how, "clear") == 0) clearenv();
  if (strcmp(how, "child") == 0) {
    fflush(stdout);
    if (fork() == 0) execlp("true", "true", NULL);
    wait(NULL);
  }
  setenv("OWN", "app", 1);
  setenv("OWN", "kept", 0);
  unsetenv("GONE");
  static char put[] = "PUT=app";
  putenv(put);
  printf("OWN=%s PUT=%s\n", value("OWN"), value("PUT"));
  puts("warm");
  fflush(stdout);
  wait_for_go();
  put[4] = 'A';  // What putenv(3) got is the environment's own.
  setenv("AFTER", "1", 1);
  printf("NEW=%s environ=%s", value("NEW"), in_array(environ, "NEW"));
  print_shown("NEW");
  printf(" LOOKED=%s OWN=%s GONE=%s PUT=%s AFTER=%s\n", value("LOOKED"), value("OWN"),
         value("GONE"), value("PUT"), value("AFTER"));
  fflush(stdout);
  return system("echo child=$NEW") == 0 ? 0 : 1;
}
