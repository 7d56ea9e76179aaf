/* Returns an IMAGE that is none, or one that is not finite; the fault is chosen with -D. Everything lives in static memory. */
#include "fixture.h"
#include <math.h>

/* Room for doubles. */
static _Alignas(8) float samples[2 * 2 * 2 * 3];
static int64_t shape[] = { 1, 2, 2, 3 };
static int64_t strides[] = { 12, 6, 3, 1 };

static void keep(struct DLManagedTensorVersioned *tensor) { (void)tensor; }
static struct DLManagedTensorVersioned tensor = { { 1, 0 }, NULL, keep, 0,
                                                  { samples, { 1, 0 }, 4, { 2, 32, 1 }, shape, strides, 0 } };

static dw_status run(dw_node *node, const dw_call *call, dw_str params, const dw_value *in, dw_value *out) {
  (void)node, (void)call, (void)params, (void)in;
#if defined(NEGATIVE_SIZE)
  shape[1] = -2;
#elif defined(HUGE_SIZE)
  shape[1] = shape[2] = INT64_MAX / 2;
#elif defined(ABSURD_SIZE)
  shape[1] = (int64_t)1 << 40;
#elif defined(NULL_DATA)
  tensor.dl_tensor.data = NULL;
#elif defined(NULL_SHAPE)
  tensor.dl_tensor.shape = NULL;
#elif defined(MISALIGNED)
  tensor.dl_tensor.byte_offset = 1;
#elif defined(RANK_3)
  tensor.dl_tensor.ndim = 3;
#elif defined(NULL_TENSOR)
  out[0].kind = DW_TENSOR;
  out[0].u.t = NULL;
  return DW_OK;
#elif defined(NOTHING)
  return DW_OK;
#elif defined(DOUBLES)
  tensor.dl_tensor.dtype.bits = 64;
#elif defined(HALVES)
  tensor.dl_tensor.dtype.bits = 16;
#elif defined(NO_PIXELS)
  shape[1] = 0;
#elif defined(OTHER_DEVICE)
  tensor.dl_tensor.device.device_type = 2;
#elif defined(OTHER_DLPACK)
  tensor.version.major = 2;
#elif defined(NUMBER)
  out[0].kind = DW_I64;
  out[0].u.i = 7;
  return DW_OK;
#elif defined(STRANGE_KIND)
  out[0].kind = 99;
  return DW_OK;
#elif defined(NOT_FINITE)
  samples[5] = NAN;
  samples[7] = INFINITY;
#endif
  out[0].kind = DW_TENSOR;
  out[0].u.t = &tensor;
  return DW_OK;
}

static void destroy(dw_node *node) { (void)node; }
static const dw_node_vt functions = { sizeof(dw_node_vt), 0, destroy, run, NULL };
static dw_node the_node = { &functions };

static dw_status create(dw_str id, const dw_call *call, dw_node **out) {
  (void)id, (void)call;
  *out = &the_node;
  return DW_OK;
}

static const dw_kind liar = SOURCE_KIND("ShapeLiar");
static const dw_kind *const kinds[] = { &liar };
const dw_entry dw_entry_v1 = { sizeof(dw_entry), DW_ABI_MAJOR, 0, 0, TEXT("org.example.shape_liar"), TEXT("1.0.0"),
                               TEXT("C"), NULL, NULL, 1, 0, kinds, create, NULL };
