// Sixteen floats at a time: AVX-512 where there is, the compiler's own vectors elsewhere.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

typedef float v16f __attribute__((vector_size(64)));
typedef int32_t v16i __attribute__((vector_size(64)));

constexpr int LANES = 16;

inline v16f load(const float* p) {
  v16f v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

inline void store(float* p, v16f v) { std::memcpy(p, &v, sizeof v); }

#ifdef __AVX512F__
inline v16f all(float s) { return _mm512_set1_ps(s); }
inline v16f load_half(const _Float16* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline void store_half(_Float16* p, v16f v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(v, 0));
}
// Explicit, so that every row is rounded alike whatever the compiler does around it.
inline v16f fma(v16f a, v16f b, v16f c) { return _mm512_fmadd_ps(a, b, c); }
inline v16f larger(v16f a, v16f b) { return _mm512_max_ps(a, b); }
inline v16f nearest(v16f a) { return _mm512_roundscale_ps(a, 8); }
inline float sum(v16f v) { return _mm512_reduce_add_ps(v); }
inline int32_t sum(v16i v) { return _mm512_reduce_add_epi32((__m512i)v); }
inline void bytes_of(v16i v, int8_t* p) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8((__m512i)v));
}
inline float largest(v16f v) { return _mm512_reduce_max_ps(v); }
#else
inline v16f all(float s) { return v16f{} + s; }
inline v16f load_half(const _Float16* p) {
  v16f v;
  for (int i = 0; i < LANES; i++) v[i] = static_cast<float>(p[i]);
  return v;
}
inline void store_half(_Float16* p, v16f v) {
  for (int i = 0; i < LANES; i++) p[i] = static_cast<_Float16>(v[i]);
}
inline v16f fma(v16f a, v16f b, v16f c) { return a * b + c; }
inline v16f larger(v16f a, v16f b) { return a > b ? a : b; }
inline v16f nearest(v16f a) {
  for (int i = 0; i < LANES; i++) a[i] = std::nearbyint(a[i]);
  return a;
}
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
inline void bytes_of(v16i v, int8_t* p) {
  for (int i = 0; i < LANES; i++) p[i] = static_cast<int8_t>(v[i]);
}
inline float largest(v16f v) {
  float best = v[0];
  for (int i = 1; i < LANES; i++) best = v[i] > best ? v[i] : best;
  return best;
}
#endif

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
  v16i power = (__builtin_convertvector(n, v16i) + 127) << 23;
  v16f scale;
  std::memcpy(&scale, &power, sizeof scale);
  return p * scale;
}

inline float from_bf16(uint16_t bits) {
  uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}
