/* The entry claims to end after its version. */
#include "fixture.h"

const dw_entry dw_entry_v1 = { 16, DW_ABI_MAJOR, 0, 0, TEXT("org.example.tiny"), TEXT("1.0.0"), TEXT("C"),
                               NULL, NULL, 0, 0, NULL, cannot_create, NULL };
