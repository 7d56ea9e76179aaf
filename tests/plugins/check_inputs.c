/* A kind with inputs that keeps the contract, or breaks it in one way that is chosen with -D. */
#include "fixture.h"

static const dw_port image = { sizeof(dw_port), 0, TEXT("image"), TEXT("a picture"), TEXT("IMAGE") };
static const dw_port features = { sizeof(dw_port), 0, TEXT("features"), TEXT("a function"), TEXT("FEATURES") };
static const dw_port *const inputs[] = { &image, &features };

static dw_status run(dw_node *node, const dw_call *call, dw_str params, const dw_value *in, dw_value *out) {
  (void)node, (void)params;
  if (in[0].kind != DW_TENSOR || !is_tensor(&in[0].u.t->dl_tensor, 4)) {
#if defined(TOUCHES_OUT)
    out[0].kind = DW_I64;
#endif
    return refuse(call, DW_E_ARG, "image", "`image` must be a float32 picture [B,H,W,C]");
  }
  if (in[1].kind != DW_FUNCTION) return refuse(call, DW_E_ARG, "features", "`features` must be a function");
  float first = samples_of(&in[0].u.t->dl_tensor)[0];
#if defined(FREES_INPUT)
  in[0].u.t->deleter(in[0].u.t);
#elif defined(WRITES_INPUT)
  samples_of(&in[0].u.t->dl_tensor)[0] = 0;
#elif defined(KEEPS_FUNCTION)
  in[1].u.fn->vt->retain(in[1].u.fn);
#elif defined(KEEPS_INPUT)
  static const float *kept = NULL;
  if (kept) first = *kept;
  else kept = samples_of(&in[0].u.t->dl_tensor);
#endif
  return give_grey(out, first);
}

/* What a kind keeps from its first run makes it impure; that is not what is looked at here. */
PLUGIN("Look", 0, 2, inputs, 1, fixture_outs, run, NULL);
