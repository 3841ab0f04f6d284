/* Preloaded, answers look-ups of the name RESOLVER_NAME from the file RESOLVER_FILE: its addresses in their order, or a temporary failure
   where there are none. Those before a line "then" are for one look-up, which takes them out. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int resolver(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static void keep_rest(FILE *file) {
  char path[4096], rest[4096];
  size_t length = fread(rest, 1, sizeof rest, file);
  snprintf(path, sizeof path, "%s.rest", getenv("RESOLVER_FILE"));
  FILE *next = fopen(path, "we");
  if (!next) return;
  fwrite(rest, 1, length, next);
  fclose(next);
  rename(path, getenv("RESOLVER_FILE"));
}

int getaddrinfo(const char *restrict name, const char *restrict service, const struct addrinfo *restrict hints,
                struct addrinfo **restrict found) {
  resolver *real = (resolver *)dlsym(RTLD_NEXT, "getaddrinfo");
  const char *own = getenv("RESOLVER_NAME");
  if (!name || !own || strcmp(name, own) != 0) return real(name, service, hints, found);
  FILE *file = fopen(getenv("RESOLVER_FILE"), "re");
  if (!file) return EAI_AGAIN;
  struct addrinfo *all = NULL, **end = &all;
  char address[64];
  while (fscanf(file, "%63s", address) == 1) {
    if (strcmp(address, "then") == 0) {
      keep_rest(file);
      break;
    }
    struct addrinfo numeric = hints ? *hints : (struct addrinfo){0};
    numeric.ai_flags = (numeric.ai_flags & ~AI_ADDRCONFIG) | AI_NUMERICHOST;
    /* One of another family than is asked for is left out. */
    if (real(address, service, &numeric, end) != 0) continue;
    while (*end) end = &(*end)->ai_next;
  }
  fclose(file);
  if (!all) return EAI_AGAIN;
  *found = all;
  return 0;
}
