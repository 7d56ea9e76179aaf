/* Offers a kind that the image plugin has already. */
#include "fixture.h"

static const dw_kind load_image = SOURCE_KIND("LoadImage");
static const dw_kind *const kinds[] = { &load_image };
const dw_entry dw_entry_v1 = { sizeof(dw_entry), DW_ABI_MAJOR, 0, 0, TEXT("org.example.conflict"), TEXT("1.0.0"),
                               TEXT("C"), NULL, NULL, 1, 0, kinds, cannot_create, NULL };
