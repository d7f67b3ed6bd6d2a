// Any processor: plain loops, which the compiler turns into what there is.
#pragma once
#include "vec_wide.h"

inline v16f load_half(const _Float16* p) {
  v16f v;
  for (int i = 0; i < LANES; i++) v[i] = static_cast<float>(p[i]);
  return v;
}
inline void store_half(_Float16* p, v16f v) {
  for (int i = 0; i < LANES; i++) p[i] = static_cast<_Float16>(v[i]);
}
// Rounded to nearest even.
inline void store_bf16(uint16_t* p, v16f wide) {
  v16u bits = (v16u)wide;
  bits = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  const v16h half = __builtin_convertvector(bits, v16h);
  std::memcpy(p, &half, sizeof half);
}
inline v16f fma(v16f a, v16f b, v16f c) { return a * b + c; }
inline v16f larger(v16f a, v16f b) { return a > b ? a : b; }
inline v16f nearest(v16f a) {
  for (int i = 0; i < LANES; i++) a[i] = std::nearbyint(a[i]);
  return a;
}
inline v16f reciprocal(v16f x) { return 1.0f / x; }
inline float sum(v16f v) {
  float total = 0;
  for (int i = 0; i < LANES; i++) total += v[i];
  return total;
}
inline int32_t sum(v16i v) {
  int32_t total = 0;
  for (int i = 0; i < LANES; i++) total += v[i];
  return total;
}
inline float largest(v16f v) {
  float best = v[0];
  for (int i = 1; i < LANES; i++) best = v[i] > best ? v[i] : best;
  return best;
}
inline void bytes_of(v16i v, int8_t* p) {
  for (int i = 0; i < LANES; i++) p[i] = static_cast<int8_t>(v[i]);
}
