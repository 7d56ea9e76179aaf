/* What the bad plugins share, so that each file holds nothing but its own fault. */
#ifndef FIXTURE_H
#define FIXTURE_H
#include "dreamwire.h"
#include <stdlib.h>
#include <string.h>

#define TEXT(literal) { literal, sizeof(literal) - 1 }
#define UNUSED __attribute__((unused))

UNUSED static dw_str no_params(void) {
  static const char text[] = "{\"type\":\"object\",\"properties\":{},\"description\":\"A fixture.\"}";
  dw_str schema = { text, sizeof text - 1 };
  return schema;
}

static const dw_port fixture_out = { sizeof(dw_port), 0, TEXT("IMAGE"), TEXT("a picture"), TEXT("IMAGE") };
static const dw_port *const fixture_outs[] = { &fixture_out };

/* A kind without inputs and with one IMAGE. */
#define SOURCE_KIND(id) \
  { sizeof(dw_kind), DW_KIND_PURE, TEXT(id), 1, 0, 1, 0, NULL, fixture_outs, TEXT(id), TEXT("test"), no_params }

UNUSED static int is(dw_str text, const char *word) {
  return text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

/* Says why, and gives the status to return. */
UNUSED static dw_status refuse(const dw_call *call, dw_status status, const char *input, const char *message) {
  dw_str blamed = { input, strlen(input) }, words = { message, strlen(message) };
  call->fail(call, status, blamed, words);
  return status;
}

#if DW_ABI_MINOR >= 1
/* As refuse, with what to do about it. */
UNUSED static dw_status refuse_with(const dw_call *call, dw_status status, const char *input, const char *message,
                                    const char *hint) {
  dw_failure failure = { sizeof failure, status, { input, strlen(input) }, { message, strlen(message) },
                         { hint, strlen(hint) } };
  call->fail_with(call, &failure);
  return status;
}
#endif

/* A float32 tensor of at most four sizes in one block, which its deleter frees. */
typedef struct { struct DLManagedTensorVersioned tensor; int64_t shape[4], strides[4]; float samples[]; } fixture_tensor;

UNUSED static void delete_tensor(struct DLManagedTensorVersioned *tensor) { free(tensor->manager_ctx); }

UNUSED static int64_t count_of(int32_t ndim, const int64_t *shape) {
  int64_t count = 1;
  for (int32_t i = 0; i < ndim; i++) count *= shape[i];
  return count;
}

UNUSED static dw_owned new_tensor(int32_t ndim, const int64_t *shape) {
  fixture_tensor *made = calloc(1, sizeof(fixture_tensor) + (size_t)count_of(ndim, shape) * sizeof(float));
  if (!made) return NULL;
  for (int32_t i = ndim - 1; i >= 0; i--) {
    made->shape[i] = shape[i];
    made->strides[i] = i + 1 < ndim ? made->strides[i + 1] * shape[i + 1] : 1;
  }
  struct DLManagedTensorVersioned tensor = { { 1, 0 }, made, delete_tensor, 0,
    { made->samples, { 1, 0 }, ndim, { 2, 32, 1 }, made->shape, made->strides, 0 } };
  made->tensor = tensor;
  return &made->tensor;
}

UNUSED static float *samples_of(const DLTensor *t) { return (float *)((char *)t->data + t->byte_offset); }

/* A float32 tensor of that rank. */
UNUSED static int is_tensor(const DLTensor *t, int32_t ndim) {
  return t && t->ndim == ndim && t->dtype.code == 2 && t->dtype.bits == 32;
}

/* Puts an even grey [1,4,4,3] at the first output. */
UNUSED static dw_status give_grey(dw_value *out, float grey) {
  int64_t shape[] = { 1, 4, 4, 3 };
  dw_owned made = new_tensor(4, shape);
  if (!made) return DW_E_NOMEM;
  for (int i = 0; i < 48; i++) samples_of(&made->dl_tensor)[i] = grey;
  out[0].kind = DW_TENSOR;
  out[0].u.t = made;
  return DW_OK;
}

/* A plugin of one kind, whose nodes do nothing but `run`. Comes last in a file. */
#ifndef SCHEMA
#define SCHEMA no_params
#endif
/* The extensions of the entry. */
#ifdef EXTENSION
static const void *EXTENSION(const char *id);
#else
#define EXTENSION NULL
#endif
/* What judges params, where the header knows of it. */
#if DW_ABI_MINOR < 1
#define CHECK_MEMBER
#elif defined(CHECK)
#define CHECK_MEMBER , CHECK
#else
#define CHECK_MEMBER , NULL
#endif
#define PLUGIN(name, flags, n_in, ins, n_out, outs, run, deinit) \
  static const dw_kind the_kind = { sizeof(dw_kind), flags, TEXT(name), 1, n_in, n_out, 0, ins, outs, TEXT(name), \
                                    TEXT("test"), SCHEMA CHECK_MEMBER }; \
  static const dw_kind *const the_kinds[] = { &the_kind }; \
  static void destroy_node(dw_node *node) { free(node); } \
  static const dw_node_vt node_functions = { sizeof(dw_node_vt), 0, destroy_node, run, NULL }; \
  static dw_status create_node(dw_str id, const dw_call *call, dw_node **out) { \
    if (!is(id, name)) return refuse(call, DW_E_UNSUPPORTED, "", "there is no such kind"); \
    dw_node *made = malloc(sizeof *made); \
    if (!made) return DW_E_NOMEM; \
    made->vt = &node_functions; \
    *out = made; \
    return DW_OK; \
  } \
  const dw_entry dw_entry_v1 = { sizeof(dw_entry), DW_ABI_MAJOR, 0, 0, TEXT("org.example.check"), TEXT("1.0.0"), \
                                 TEXT("C"), NULL, deinit, 1, 0, the_kinds, create_node, EXTENSION }

UNUSED static dw_status cannot_create(dw_str id, const dw_call *call, dw_node **out) {
  (void)id, (void)call, (void)out;
  return DW_E_UNSUPPORTED;
}
#endif
