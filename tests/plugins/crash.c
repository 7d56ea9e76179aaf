/* A kind that ends or stops its process in the way that `how` names; `ok` gives its input back as grey. */
#define SCHEMA schema
#include "fixture.h"
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static dw_str schema(void) {
  static const char text[] = "{\"type\":\"object\",\"description\":\"A fixture.\",\"properties\":{"
    "\"how\":{\"type\":\"string\",\"default\":\"ok\",\"description\":\"The fault.\"}}}";
  dw_str schema = { text, sizeof text - 1 };
  return schema;
}

static const dw_port image = { sizeof(dw_port), 0, TEXT("image"), TEXT("a picture"), TEXT("IMAGE") };
static const dw_port *const ins[] = { &image };

static volatile int sink;

static int deep(int n) {
  volatile char frame[4096];
  frame[0] = (char)n;
  sink += frame[0];
  return deep(n + 1) + frame[0];
}

static dw_status run(dw_node *node, const dw_call *call, dw_str params, const dw_value *in, dw_value *out) {
  (void)node, (void)call, (void)in;
  char text[512] = { 0 };
  memcpy(text, params.ptr, params.len < 511 ? params.len : 511);
  if (strstr(text, "segv")) *(volatile int *)8 = 1;
  if (strstr(text, "abort")) abort();
  if (strstr(text, "exit0")) exit(0);
  if (strstr(text, "leave7")) _exit(7);
  if (strstr(text, "stack")) return deep(0);
  if (strstr(text, "kill")) raise(SIGKILL);
  if (strstr(text, "loop")) for (;;) sink++;
  if (strstr(text, "forge")) {
    printf("{\"event\":\"done\",\"forged\":true}\n");
    fflush(stdout);
    fprintf(stderr, "to standard error\n");
  }
  if (strstr(text, "chdir") && chdir("/")) return DW_E_FAILED;
  if (strstr(text, "fill")) {
    /* What a Rust plugin says before it aborts. */
    fprintf(stderr, "memory allocation of 99 bytes failed\n");
    abort();
  }
  return give_grey(out, 0.5f);
}

PLUGIN("Crash", DW_KIND_PURE, 1, ins, 1, fixture_outs, run, NULL);
