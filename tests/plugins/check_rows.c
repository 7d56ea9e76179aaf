/* A kind whose rows do not depend on each other, or that breaks this promise in one way that is chosen with -D. */
#include "fixture.h"

static dw_status run(dw_node *node, const dw_call *call, dw_str params, const dw_value *in, dw_value *out) {
  (void)node, (void)params;
  const DLTensor *image = in[0].kind == DW_TENSOR ? &in[0].u.t->dl_tensor : NULL;
  if (!is_tensor(image, 4) || image->shape[0] < 1)
    return refuse(call, DW_E_SHAPE, "image", "`image` must be a float32 picture [B,H,W,C]");
  int64_t shape[4];
  memcpy(shape, image->shape, sizeof shape);
  int64_t count = count_of(4, shape), row = count / shape[0];
#if defined(LOSES)
  shape[0] = 1;
#endif
  dw_owned made = new_tensor(4, shape);
  if (!made) return DW_E_NOMEM;
  for (int64_t i = 0, n = count_of(4, shape); i < n; i++) {
    float value = samples_of(image)[i];
#if defined(MIXES)
    /* The first row shows in all others. */
    value = 0.9f * value + 0.1f * samples_of(image)[i % row];
#elif defined(ROUNDS)
    /* As a sum that is made in another order for several rows. */
    value = image->shape[0] > 1 ? value * 3.0f / 3.0f : value;
#endif
    (void)row;
    samples_of(&made->dl_tensor)[i] = value;
  }
  out[0].kind = DW_TENSOR;
  out[0].u.t = made;
  return DW_OK;
}

static uint32_t deinit(void) { return 0; }
static const dw_port image = { sizeof(dw_port), DW_PORT_ROWS, TEXT("image"), TEXT("pictures"), TEXT("IMAGE") };
static const dw_port copy = { sizeof(dw_port), DW_PORT_ROWS, TEXT("IMAGE"), TEXT("copies"), TEXT("IMAGE") };
static const dw_port *const inputs[] = { &image };
static const dw_port *const outputs[] = { &copy };
PLUGIN("Copy", DW_KIND_PURE, 1, inputs, 1, outputs, run, deinit);
