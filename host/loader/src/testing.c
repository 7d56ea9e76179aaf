/* The plugin of the loader's own tests: one kind, whose param chooses what it does. Each test compiles its own build,
 * with BUILD. */
#define _GNU_SOURCE
#include "dreamwire.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define TEXT(literal) { literal, sizeof(literal) - 1 }

static int has(dw_str text, const char *word) { return memmem(text.ptr, text.len, word, strlen(word)) != NULL; }

static dw_status refuse(const dw_call *call, dw_status status, const char *message) {
  dw_str input = TEXT("how"), words = { message, strlen(message) };
  call->fail(call, status, input, words);
  return status;
}

static dw_str schema(void) {
  dw_str text = TEXT("{\"type\": \"object\", \"description\": \"A test.\", \"properties\": {"
                     "\"how\": {\"type\": \"string\", \"default\": \"\", \"description\": \"What to do.\"}}}");
  return text;
}

static dw_status check(const dw_call *call, dw_str params) {
  if (has(params, "check chdir") && chdir("/")) return DW_E_FAILED;
  return has(params, "refused") ? refuse(call, DW_E_ARG, "it is refused") : DW_OK;
}

/* A second start of the same library would find this set. */
static int started = 0;

static dw_status init(const dw_host *host, const dw_call *call) {
  (void)host;
  return started++ ? refuse(call, DW_E_FAILED, "it has been started before") : DW_OK;
}
static uint32_t deinit(void) { return 0; }

static struct DLManagedTensorVersioned tensor;
static int64_t shape[4], strides[4];
static float samples[3];
static void delete_tensor(struct DLManagedTensorVersioned *it) { (void)it; }

/* A picture of `height` rows, the memory of one, and the distance `stride` between rows. */
static void give(dw_value *out, int64_t height, int64_t stride) {
  int64_t sizes[4] = { 1, height, 1, 3 }, steps[4] = { height * stride, stride, 3, 1 };
  memcpy(shape, sizes, sizeof sizes);
  memcpy(strides, steps, sizeof steps);
  struct DLManagedTensorVersioned it = { { 1, 0 }, NULL, delete_tensor, 0,
    { samples, { 1, 0 }, 4, { 2, 32, 1 }, shape, strides, 0 } };
  tensor = it;
  out[0].kind = DW_TENSOR;
  out[0].u.t = &tensor;
}

static dw_status run(dw_node *node, const dw_call *call, dw_str params, const dw_value *in, dw_value *out) {
  (void)node, (void)call, (void)in;
  if (has(params, "run chdir") && chdir("/")) return DW_E_FAILED;
  if (has(params, "huge")) give(out, 1LL << 40, 3);
  else if (has(params, "large")) give(out, 1LL << 35, 3);
  else if (has(params, "repeated")) give(out, 1LL << 35, 0);
  else give(out, 1, 3);
  return DW_OK;
}

static const dw_port port = { sizeof(dw_port), 0, TEXT("IMAGE"), TEXT("a picture"), TEXT("IMAGE") };
static const dw_port *const ports[] = { &port };
static const dw_kind kind = { sizeof(dw_kind), DW_KIND_OUTPUT, TEXT("Test"), 1, 0, 1, 0, NULL, ports, TEXT("Test"),
                              TEXT("test"), schema, check };
static const dw_kind *const kinds[] = { &kind };

static const dw_node_vt vt = { sizeof(dw_node_vt), 0, NULL, run, 0 };
static dw_node the_node = { &vt };
static dw_status create(dw_str id, const dw_call *call, dw_node **out) {
  (void)id, (void)call;
  *out = &the_node;
  return DW_OK;
}

DW_EXPORT const dw_entry dw_entry_v1 = { sizeof(dw_entry), DW_ABI_MAJOR, DW_ABI_MINOR, 0, TEXT("org.example.test"),
  TEXT("1"), TEXT(BUILD), init, deinit, 1, 0, kinds, create, 0 };
