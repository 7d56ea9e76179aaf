/* A whole plugin in C: one kind, `Negative`, that inverts a picture. Written against dreamwire.h alone.
 *
 *     cc -std=c11 -shared -fPIC -I plugins/abi/include tests/plugins/invert.c -o libdreamwire_invert.so
 */
#include "dreamwire.h"
#include <stdlib.h>
#include <string.h>

#define TEXT(literal) { literal, sizeof(literal) - 1 }

/* What the host lists without running anything: ports, kind, the schema of the params. */
static const dw_port image_in = { sizeof(dw_port), 0, TEXT("image"), TEXT("The picture, [B,H,W,C]."), TEXT("IMAGE") };
static const dw_port image_out = { sizeof(dw_port), 0, TEXT("IMAGE"), TEXT("Its negative."), TEXT("IMAGE") };
static const dw_port *const inputs[] = { &image_in };
static const dw_port *const outputs[] = { &image_out };

static dw_str params_schema(void) {
  static const char text[] =
      "{\"type\":\"object\",\"properties\":{},\"description\":\"The negative: 1 - x per channel; alpha is kept.\"}";
  dw_str schema = { text, sizeof text - 1 };
  return schema;
}

static const dw_kind the_kind = { sizeof(dw_kind), DW_KIND_PURE, TEXT("Negative"), 1, 1, 1, 0, inputs, outputs,
                                  TEXT("Negative"), TEXT("image"), params_schema };
static const dw_kind *const kinds[] = { &the_kind };

/* A result owns its memory: one block holds the struct, shape, strides and samples, and the deleter frees it. */
typedef struct { struct DLManagedTensorVersioned tensor; int64_t shape[4], strides[4]; float samples[]; } picture;

static void delete_picture(struct DLManagedTensorVersioned *tensor) { free(tensor); }

/* Tells the host why, and gives the status to return: nothing else must have been set by then. */
static dw_status refuse(const dw_call *call, dw_status status, dw_str input, dw_str message) {
  call->fail(call, status, input, message);
  return status;
}

static dw_status run(dw_node *node, const dw_call *call, dw_str params, const dw_value *in, dw_value *out) {
  (void)node, (void)params;
  dw_str image = TEXT("image"), wanted = TEXT("`image` must be a float32 picture [B,H,W,C]");
  if (in[0].kind != DW_TENSOR) return refuse(call, DW_E_ARG, image, wanted);
  const DLTensor *x = &in[0].u.t->dl_tensor; /* possibly strided */
  if (x->ndim != 4) return refuse(call, DW_E_SHAPE, image, wanted);
  if (x->dtype.code != 2 || x->dtype.bits != 32) return refuse(call, DW_E_DTYPE, image, wanted);
  const float *data = (const float *)((const char *)x->data + x->byte_offset);
  const int64_t *n = x->shape, *step = x->strides;
  picture *made = malloc(sizeof(picture) + (size_t)(n[0] * n[1] * n[2] * n[3]) * sizeof(float));
  if (!made) return DW_E_NOMEM;
  float *to = made->samples;
  for (int64_t b = 0; b < n[0]; b++)
    for (int64_t y = 0; y < n[1]; y++)
      for (int64_t x = 0; x < n[2]; x++)
        for (int64_t c = 0; c < n[3]; c++) {
          float sample = data[b * step[0] + y * step[1] + x * step[2] + c * step[3]];
          *to++ = c < 3 ? 1 - sample : sample;
        }
  for (int64_t i = 3, stride = 1; i >= 0; stride *= n[i--]) made->shape[i] = n[i], made->strides[i] = stride;
  struct DLManagedTensorVersioned tensor = { { 1, 0 }, made, delete_picture, 0,
    { made->samples, call->device, 4, { 2, 32, 1 }, made->shape, made->strides, 0 } };
  made->tensor = tensor;
  out[0].kind = DW_TENSOR;
  out[0].u.t = &made->tensor;
  return DW_OK;
}

/* Instances may keep state between runs; this one has none but its table of functions. */
static void destroy(dw_node *node) { free(node); }
static const dw_node_vt functions = { sizeof(dw_node_vt), 0, destroy, run, NULL };

static dw_status create(dw_str id, const dw_call *call, dw_node **out) {
  dw_str nothing = TEXT(""), message = TEXT("this plugin has one kind, `Negative`");
  if (id.len != the_kind.id.len || memcmp(id.ptr, the_kind.id.ptr, id.len) != 0)
    return refuse(call, DW_E_UNSUPPORTED, nothing, message);
  *out = malloc(sizeof(dw_node));
  if (!*out) return DW_E_NOMEM;
  (*out)->vt = &functions;
  return DW_OK;
}

/* The one exported symbol. */
const dw_entry dw_entry_v1 = { sizeof(dw_entry), DW_ABI_MAJOR, DW_ABI_MINOR, 0, TEXT("org.example.invert"),
                               TEXT("1.0.0"), TEXT("C"), NULL, NULL, 1, 0, kinds, create, NULL };
