// Sixteen floats at a time, in the registers that this processor has.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

constexpr int LANES = 16;

#if defined(__AVX512F__)
#include "vec_avx512.h"
#elif defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include "vec_avx2.h"
#else
#include "vec_any.h"
#endif

inline v16f all(float s) { return v16f{} + s; }

// e^x to about 2 ulp for x <= 0, the only kind that softmax and silu need; 0 below -87.
inline v16f exp_negative(v16f x) {
  x = larger(x, all(-87.0f));
  v16f n = nearest(x * 1.44269504f);
  v16f r = fma(n, all(-0.693359375f), x);
  r = fma(n, all(2.12194440e-4f), r);
  v16f p = fma(all(1.9875691500e-4f), r, all(1.3981999507e-3f));
  p = fma(p, r, all(8.3334519073e-3f));
  p = fma(p, r, all(4.1665795894e-2f));
  p = fma(p, r, all(1.6666665459e-1f));
  p = fma(p, r, all(5.0000001201e-1f));
  p = fma(p, r * r, r) + 1.0f;
  return p * as_floats((to_ints(n) + 127) << 23);
}

inline float from_bf16(uint16_t bits) {
  uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}
