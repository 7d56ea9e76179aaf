/* A kind without inputs that keeps the contract, or breaks it in one way that is chosen with -D. */
#if defined(BAD_SCHEMA)
#define SCHEMA bad_schema
#endif
#include "fixture.h"
#include <pthread.h>
#include <unistd.h>

#if defined(NULL_NAME)
static const dw_port output = { sizeof(dw_port), 0, { NULL, 7 }, TEXT("a picture"), TEXT("IMAGE") };
#else
static const dw_port output = { sizeof(dw_port), 0, TEXT("IMAGE"), TEXT("a picture"), TEXT("IMAGE") };
#endif
static const dw_port *const outputs[] = { &output };

UNUSED static dw_str bad_schema(void) {
  static const char text[] =
      "{\"type\":\"object\",\"description\":\"A fixture.\",\"properties\":"
      "{\"size\":{\"type\":\"integer\",\"multipleOf\":2,\"default\":4,\"description\":\"Even.\"}}}";
  dw_str schema = { text, sizeof text - 1 };
  return schema;
}

UNUSED static void *sleep_for_ever(void *nothing) {
  for (;;) pause();
  return nothing;
}

static dw_status run(dw_node *node, const dw_call *call, dw_str params, const dw_value *in, dw_value *out) {
  (void)node, (void)params, (void)in;
#if defined(CRASH)
  int *volatile nowhere = NULL;
  *nowhere = 1;
#elif defined(ABORT)
  abort();
#elif defined(HANG)
  sleep_for_ever(NULL);
#elif defined(EXIT)
  exit(0);
#elif defined(THREAD)
  pthread_t thread;
  pthread_create(&thread, NULL, sleep_for_ever, NULL);
#endif
  dw_str note = TEXT("painting");
  for (uint64_t done = 0; done < 200; done++) {
    dw_status go_on = call->progress(call, done, 200, note);
#if defined(IGNORES_CANCEL)
    (void)go_on;
#else
    if (go_on != DW_OK) return go_on;
#endif
  }
#if defined(RANDOM)
  static float grey = 0;
  return give_grey(out, grey += 0.125f);
#else
  return give_grey(out, 0.5f);
#endif
}

#if defined(LEAK)
static uint32_t deinit(void) { return 1; }
#else
static uint32_t deinit(void) { return 0; }
#endif

PLUGIN("Source", DW_KIND_PURE, 0, NULL, 1, outputs, run, deinit);
