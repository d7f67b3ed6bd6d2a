// AVX2: two registers of eight. A vector of 64 bytes would be kept in memory by GCC.
#pragma once
#include <immintrin.h>

typedef float v8f __attribute__((vector_size(32)));
typedef int32_t v8i __attribute__((vector_size(32)));

template <class Half, class Number>
struct Pair {
  Half low{}, high{};

  Pair() = default;
  Pair(Number each) : low(Half{} + each), high(Half{} + each) {}
  Pair(Half low, Half high) : low(low), high(high) {}

  Number operator[](int i) const { return i < LANES / 2 ? low[i] : high[i - LANES / 2]; }
  Pair& operator+=(Pair b) { return *this = *this + b; }
  Pair operator-() const { return {-low, -high}; }
  friend Pair operator+(Pair a, Pair b) { return {a.low + b.low, a.high + b.high}; }
  friend Pair operator-(Pair a, Pair b) { return {a.low - b.low, a.high - b.high}; }
  friend Pair operator*(Pair a, Pair b) { return {a.low * b.low, a.high * b.high}; }
  friend Pair operator/(Pair a, Pair b) { return {a.low / b.low, a.high / b.high}; }
  friend Pair operator<<(Pair a, int by) { return {a.low << by, a.high << by}; }
  friend Pair<v8i, int32_t> operator<(Pair a, Pair b) { return {a.low < b.low, a.high < b.high}; }
  friend Pair<v8i, int32_t> operator==(Pair a, Pair b) {
    return {a.low == b.low, a.high == b.high};
  }
};

using v16f = Pair<v8f, float>;
using v16i = Pair<v8i, int32_t>;

inline v16f load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
inline void store(float* p, v16f v) {
  _mm256_storeu_ps(p, v.low);
  _mm256_storeu_ps(p + 8, v.high);
}
inline v16i to_ints(v16f v) {
  return {(v8i)_mm256_cvttps_epi32(v.low), (v8i)_mm256_cvttps_epi32(v.high)};
}
inline v16f to_floats(v16i v) {
  return {_mm256_cvtepi32_ps((__m256i)v.low), _mm256_cvtepi32_ps((__m256i)v.high)};
}
inline v16f as_floats(v16i bits) { return {(v8f)bits.low, (v8f)bits.high}; }
inline v16f select(v16i mask, v16f yes, v16f no) {
  return {mask.low ? yes.low : no.low, mask.high ? yes.high : no.high};
}
inline v16i places() { return {v8i{0, 1, 2, 3, 4, 5, 6, 7}, v8i{8, 9, 10, 11, 12, 13, 14, 15}}; }

inline __m128i eight(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
inline v16f load_half(const _Float16* p) {
  return {_mm256_cvtph_ps(eight(p)), _mm256_cvtph_ps(eight(p + 8))};
}
inline void store_half(_Float16* p, v16f v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(v.low, 0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 8), _mm256_cvtps_ph(v.high, 0));
}
inline v8f widen(__m128i half) {
  return (v8f)_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16);
}
inline v16f load_bf16(const uint16_t* p) { return {widen(eight(p)), widen(eight(p + 8))}; }

// The upper halves, rounded to nearest even.
inline __m256i narrowed(v8f wide) {
  const __m256i bits = (__m256i)wide;
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i up = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF));
  return _mm256_srli_epi32(_mm256_add_epi32(bits, up), 16);
}
inline void store_bf16(uint16_t* p, v16f wide) {
  const __m256i mixed = _mm256_packus_epi32(narrowed(wide.low), narrowed(wide.high));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permute4x64_epi64(mixed, 0xD8));
}

// Explicit, so that every row is rounded alike whatever the compiler does around it.
inline v16f fma(v16f a, v16f b, v16f c) {
  return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
inline v16f larger(v16f a, v16f b) {
  return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
}
inline v8f nearest(v8f a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline v16f nearest(v16f a) { return {nearest(a.low), nearest(a.high)}; }
inline v16f reciprocal(v16f x) { return 1.0f / x; }

inline float sum(v16f v) {
  const v8f both = v.low + v.high;
  __m128 four = _mm_add_ps(_mm256_castps256_ps128(both), _mm256_extractf128_ps(both, 1));
  four = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
}
inline int32_t sum(v16i v) {
  const __m256i both = (__m256i)(v.low + v.high);
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xB1)));
}
inline float largest(v16f v) {
  const __m256 both = _mm256_max_ps(v.low, v.high);
  __m128 four = _mm_max_ps(_mm256_castps256_ps128(both), _mm256_extractf128_ps(both, 1));
  four = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
}
// Numbers beyond eight bits are cut to their ends.
inline void bytes_of(v16i v, int8_t* p) {
  __m256i mixed = _mm256_packs_epi32((__m256i)v.low, (__m256i)v.high);
  mixed = _mm256_permute4x64_epi64(mixed, 0xD8);
  const __m128i low = _mm256_castsi256_si128(mixed), high = _mm256_extracti128_si256(mixed, 1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(low, high));
}
inline v16i join(__m256i low, __m256i high) { return {(v8i)low, (v8i)high}; }
