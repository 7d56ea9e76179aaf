/* dreamwire.h - the plugin ABI, major 1. C11 / C++17, self-contained (DLPack 1.x structs are declared here unless
 * dlpack.h came first; always non-NULL strides; a reader checks DLPack's major and ignores its minor).
 * Thread tags in [brackets]; [compute] = the host's compute thread, exclusive per object unless REENTRANT. Strings are UTF-8.
 * Growing structs start with `size`: a reader uses a field only if it lies inside the writer's size and is not NULL; arrays of growing structs
 * are arrays of pointers. FROZEN for ever: dw_str, dw_value, dw_fn, dw_tape, dw_node. The minor version only ever adds.
 * Out parameters are NULL / DW_NONE on entry. On any status but DW_OK a function sets none of them (run may on DW_CANCELLED: the best so far,
 * which the host shows but never caches). */
#ifndef DREAMWIRE_H
#define DREAMWIRE_H
#include <stddef.h>
#include <stdint.h>
#ifndef DLPACK_DLPACK_H_   /* dlpack.h not included: the same layout, declared here */
typedef struct { int32_t device_type, device_id; } DLDevice;      /* 1 CPU, 2 CUDA, 8 Metal */
typedef struct { uint8_t code, bits; uint16_t lanes; } DLDataType; /* code 0 int, 1 uint, 2 float, 4 bfloat */
typedef struct { void *data; DLDevice device; int32_t ndim; DLDataType dtype; int64_t *shape, *strides; uint64_t byte_offset; } DLTensor;
typedef struct { uint32_t major, minor; } DLPackVersion;
struct DLManagedTensorVersioned { DLPackVersion version; void *manager_ctx; void (*deleter)(struct DLManagedTensorVersioned *);
  uint64_t flags; DLTensor dl_tensor; };
#endif
#if defined(_WIN32)
#define DW_EXPORT __declspec(dllexport)
#else
#define DW_EXPORT __attribute__((visibility("default")))
#endif
#ifdef __cplusplus
extern "C" {
#endif

#define DW_ABI_MAJOR 1u   /* also in the name of the one exported symbol */
#define DW_ABI_MINOR 0u

typedef int32_t dw_status;                 /* >= 0 ends well; never a C enum in a struct */
#define DW_OK            0
#define DW_CANCELLED     1                 /* progress() said stop; outputs may hold the best so far */
#define DW_E_FAILED     -1
#define DW_E_PANIC      -2                 /* a caught panic: the host quarantines that object */
#define DW_E_UNSUPPORTED -3
#define DW_E_ARG        -4                 /* a param or port value is unusable; fail() names which */
#define DW_E_SHAPE      -5
#define DW_E_DTYPE      -6
#define DW_E_DEVICE     -7
#define DW_E_NOMEM      -8
#define DW_E_GONE       -9                 /* the provider was replaced and could not be rebound */
#define DW_E_NOT_DIFF  -10                 /* asked for a gradient that this function cannot give */
#define DW_E_IO        -11                 /* read or publish failed; the host has already recorded why */
#define DW_E_INPUT     -12                 /* a file's content is unusable (truncated image, wrong checkpoint) */
#define DW_E_LIMIT     -13                 /* refused because of a stated limit (pixels, bytes) */
#define DW_E_NONFINITE -14                 /* NaN or infinity appeared; fail() says where */

typedef struct dw_str { const char *ptr; size_t len; } dw_str;   /* borrowed for the call, not NUL-terminated */
typedef const DLTensor *dw_view;                                  /* borrowed for the call, immutable, may be strided */
typedef struct DLManagedTensorVersioned *dw_owned;                /* moved to the receiver, who calls its deleter once */

/* ---- one call: host-owned, lives for the call, passed on unchanged by nested calls ---- */
typedef struct dw_call dw_call;
struct dw_call {
  uint32_t size, flags;
  void *host;
  dw_status (*progress)(const dw_call *, uint64_t done, uint64_t total, dw_str note); /* [any thread] DW_CANCELLED = return soon; nested calls poll with (0,0,"") */
  void (*preview)(const dw_call *, dw_view image);             /* [any thread] IMAGE so far; may be dropped */
  void (*fail)(const dw_call *, dw_status code, dw_str input, dw_str message); /* [any thread] copied at once; input = port or param name or "" */
  void (*log)(const dw_call *, int32_t level, dw_str message); /* [any thread] 1 error 2 warn 3 info 4 debug 5 trace */
  dw_status (*read)(const dw_call *, dw_str path, dw_owned *bytes);   /* u8[n] of a file that a file param of THIS node named; only inside run */
  /* atomic, inside the output root. name_template: "dream/{prefix}_{counter:05}_.png"; *final_name: borrowed until the call ends */
  dw_status (*publish)(const dw_call *, dw_str name_template, dw_view bytes, dw_str media_type, dw_str *final_name);
  const void *(*get_extension)(const dw_call *, const char *id); /* "dw.provenance/1" (graph text for metadata), "dw.list/1" (folders), "dw.frame/1" */
  uint32_t max_threads, reserved;
  DLDevice device;                                             /* where inputs are and outputs should be */
  void *stream;                                                /* CUDA: 1 legacy, 2 per-thread default, else a handle; else NULL */
};

/* ---- a differentiable function y[0..m) = f(x[0..n)) ---- */
typedef struct dw_fn dw_fn;
typedef struct dw_tape dw_tape;
#define DW_FN_SCALAR        1u   /* m == 1 and y has one element */
#define DW_FN_REENTRANT     2u   /* may be called from several threads at once; else the host proxy serialises */
#define DW_FN_DETERMINISTIC 4u
#define DW_FN_TAPE_ONCE     8u
typedef struct dw_tensor_spec { uint32_t size, ndim; const int64_t *dims; /* -1 free */ DLDataType dtype; uint32_t reserved;
  dw_str name; /* "relu4_3" */ dw_str semantics; /* "layout=nchw;weight=0.5" */ } dw_tensor_spec;
typedef struct dw_fn_desc { uint32_t size, flags; dw_str type; /* FEATURES, OBJECTIVE, MAPPING, GENERATOR, DISCRIMINATOR: docs/guide.md */ dw_str name;
  uint32_t n_in, n_out; const dw_tensor_spec *const *in, *const *out; uint64_t diff_in; } dw_fn_desc;
typedef struct dw_fn_vt {
  uint32_t size, flags;
  void (*retain)(dw_fn *);                       /* [thread-safe] */
  void (*release)(dw_fn *);                      /* [thread-safe] */
  const dw_fn_desc *(*describe)(dw_fn *);        /* [thread-safe] valid until release */
  /* [compute] never reads or publishes files. y = f(x). Bit i of wrt: a later vjp wants d/dx[i]. tape NULL or wrt 0: plain forward, nothing kept. */
  dw_status (*eval)(dw_fn *, const dw_call *, const dw_view *x, dw_owned *y, uint64_t wrt, dw_tape **tape);
  /* [compute] scalar f: *value = y; g[i] = dy/dx[i] for bits of wrt, NULL elsewhere (NULL = not asked, or exactly zero) */
  dw_status (*value_and_grad)(dw_fn *, const dw_call *, const dw_view *x, uint64_t wrt, double *value, dw_owned *g);
  const void *(*get_extension)(dw_fn *, const char *id);                    /* "dw.tiles/1": stride, halo, reduction */
} dw_fn_vt;
struct dw_fn { const dw_fn_vt *vt; };
/* "dw.tiles/1" of a function, alive as long as it is: the function is local, so that it may be asked tile by tile. Each output, and what is
 * seen of it, is a mean or a sum over positions, and each position sees no pixel further than `halo` away. */
#define DW_TILES_MEAN 0u
#define DW_TILES_SUM 1u
typedef struct dw_tiles { uint32_t size; uint32_t stride; /* tiles start at multiples of it: the grid of pools */ uint32_t halo; uint32_t reduction; } dw_tiles;
typedef struct dw_tape_vt {
  uint32_t size, flags;
  void (*release)(dw_tape *);                    /* [thread-safe] also when vjp was never called */
  dw_status (*vjp)(dw_tape *, const dw_call *, const dw_view *gy, dw_owned *gx); /* [compute] gx = J^T gy; gy[j] NULL = zero; repeatable unless TAPE_ONCE */
  uint64_t (*bytes)(dw_tape *);                  /* memory the tape pins */
} dw_tape_vt;
struct dw_tape { const dw_tape_vt *vt; };

/* ---- values on ports ---- */
#define DW_NONE 0u
#define DW_BOOL 1u
#define DW_I64 2u
#define DW_F64 3u
#define DW_STRING 4u
#define DW_TENSOR 5u
#define DW_FUNCTION 6u
#define DW_LIST 7u
struct dw_list;
/* a string in an output lives until the next call on that node; the host copies at once */
typedef struct dw_value { uint32_t kind, flags; union { int64_t i; double f; dw_str s; dw_owned t; dw_fn *fn; const struct dw_list *list; } u; } dw_value;
typedef struct dw_list { uint64_t n; const dw_value *items; } dw_list;

/* ---- kinds and nodes ---- */
#define DW_PORT_OPTIONAL 1u    /* an input may stay unconnected; an output may hold nothing (DW_NONE) */
#define DW_PORT_MANY 2u
typedef struct dw_port { uint32_t size, flags; dw_str name, doc, type; /* "IMAGE", "OBJECTIVE|FEATURES" */ } dw_port;
#define DW_KIND_PURE 1u        /* same inputs, params, seed and files: same outputs; the host may cache */
#define DW_KIND_OUTPUT 2u      /* runs even if nothing consumes it */
#define DW_KIND_STATEFUL 4u    /* carries state from frame to frame */
typedef struct dw_kind {
  uint32_t size, flags;
  dw_str id;                   /* "GradientAscent": the class_type, forever */
  uint32_t version;            /* of meaning: bump when results change (joins the cache key) */
  uint32_t n_in, n_out, reserved;
  const dw_port *const *in, *const *out;
  dw_str title, category;
  /* [thread-safe, also before init] JSON Schema, ordered, static lifetime; its description is the kind's doc. Keywords: those of docs/nodes.md */
  dw_str (*params_schema)(void);
} dw_kind;
typedef struct dw_node dw_node;
typedef struct dw_node_vt {
  uint32_t size, flags;
  void (*destroy)(dw_node *);                                  /* [compute] */
  /* [compute] params_json: complete and validated. in[n_in] borrowed (DW_NONE = not connected, DW_LIST for MANY), out[n_out] moved to the host.
   * An instance may keep weights between runs. */
  dw_status (*run)(dw_node *, const dw_call *, dw_str params_json, const dw_value *in, dw_value *out);
  const void *(*get_extension)(dw_node *, const char *id);   /* "dw.state/1", "dw.trim/1" ... */
} dw_node_vt;
struct dw_node { const dw_node_vt *vt; };

/* ---- host ---- */
typedef struct dw_host dw_host;
struct dw_host {
  uint32_t size, abi_major, abi_minor, reserved;
  dw_str name, version;
  void *data;
  void (*log)(const dw_host *, int32_t level, dw_str message);              /* [thread-safe] */
  dw_status (*retain)(const dw_host *, const dw_value *in, dw_value *out);  /* [thread-safe] keep a borrowed input past the call */
  const void *(*get_extension)(const dw_host *, const char *id);            /* [thread-safe] */
};

/* ---- the one exported symbol:  const dw_entry dw_entry_v1; ---- */
typedef struct dw_entry {
  uint32_t size, abi_major, abi_minor, flags;
  dw_str id, version, build;          /* build: "rustc 1.95; candle 0.11.1; cpu; <hash>" for logs, metadata and cache keys */
  dw_status (*init)(const dw_host *, const dw_call *);   /* [exclusive] cheap: no threads, no GPU, no files */
  uint32_t (*deinit)(void);           /* [exclusive] joins the threads it started; returns the number of objects still alive */
  uint32_t n_kinds, reserved;
  const dw_kind *const *kinds;        /* static: listing needs no init */
  dw_status (*create)(dw_str id, const dw_call *, dw_node **out);   /* [compute] */
  const void *(*get_extension)(const char *id);
} dw_entry;
#ifndef DW_STATIC   /* statically linked plugins hand their entry to the host under a name of their own */
extern DW_EXPORT const dw_entry dw_entry_v1;
#endif

/* The frozen structs on 64-bit systems; plugins/abi/src/lib.rs asserts the same numbers. */
#if UINTPTR_MAX == 0xffffffffffffffffu
#ifdef __cplusplus
#define DW_STATIC_ASSERT(what) static_assert(what, #what)
#else
#define DW_STATIC_ASSERT(what) _Static_assert(what, #what)
#endif
DW_STATIC_ASSERT(sizeof(dw_str) == 16);
DW_STATIC_ASSERT(sizeof(dw_value) == 24);
DW_STATIC_ASSERT(sizeof(dw_list) == 16);
DW_STATIC_ASSERT(sizeof(dw_fn) == 8);
DW_STATIC_ASSERT(sizeof(dw_tape) == 8);
DW_STATIC_ASSERT(sizeof(dw_node) == 8);
DW_STATIC_ASSERT(sizeof(DLTensor) == 48);
DW_STATIC_ASSERT(sizeof(struct DLManagedTensorVersioned) == 80);
#undef DW_STATIC_ASSERT
#endif

#ifdef __cplusplus
}
#endif
#endif
