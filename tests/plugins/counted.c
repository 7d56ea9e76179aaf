/* Counts what it gives away and what comes back, and says so on standard error when it ends. What comes back twice
 * ends the program. */
#include "fixture.h"
#include <stdio.h>

static int pictures, pictures_left, nodes, nodes_left;

/* Never freed, so that a second deletion is seen and not merely undefined. */
typedef struct { struct DLManagedTensorVersioned tensor; int64_t shape[4], strides[4]; int owners; float samples[12]; } picture;

static void delete_picture(struct DLManagedTensorVersioned *tensor) {
  picture *made = tensor->manager_ctx;
  if (--made->owners != 0) abort();
  pictures_left--;
}

static dw_status run(dw_node *node, const dw_call *call, dw_str params, const dw_value *in, dw_value *out) {
  (void)node, (void)call, (void)params, (void)in;
  picture *made = calloc(1, sizeof(picture));
  if (!made) return DW_E_NOMEM;
  picture whole = { { { 1, 0 }, made, delete_picture, 0,
                      { made->samples, { 1, 0 }, 4, { 2, 32, 1 }, made->shape, made->strides, 0 } },
                    { 1, 2, 2, 3 }, { 12, 6, 3, 1 }, 1, { 0 } };
  *made = whole;
  for (int i = 0; i < 12; i++) made->samples[i] = (float)pictures / 10;
  pictures++, pictures_left++;
  out[0].kind = DW_TENSOR;
  out[0].u.t = &made->tensor;
  return DW_OK;
}

static void destroy(dw_node *node) {
  if (node->vt == NULL) abort();
  node->vt = NULL;
  nodes_left--;
}

static const dw_node_vt functions = { sizeof(dw_node_vt), 0, destroy, run, NULL };

static dw_status create(dw_str id, const dw_call *call, dw_node **out) {
  (void)id, (void)call;
  *out = calloc(1, sizeof(dw_node));
  if (!*out) return DW_E_NOMEM;
  (*out)->vt = &functions;
  nodes++, nodes_left++;
  return DW_OK;
}

static uint32_t deinit(void) {
  fprintf(stderr, "counted: %d of %d pictures and %d of %d nodes left\n", pictures_left, pictures, nodes_left, nodes);
  return (uint32_t)(pictures_left + nodes_left);
}

static const dw_kind kind = SOURCE_KIND("Counted");
static const dw_kind *const kinds[] = { &kind };
const dw_entry dw_entry_v1 = { sizeof(dw_entry), DW_ABI_MAJOR, 0, 0, TEXT("org.example.counted"), TEXT("1.0.0"),
                               TEXT("C"), NULL, deinit, 1, 0, kinds, create, NULL };
