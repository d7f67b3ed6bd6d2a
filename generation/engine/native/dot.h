// Sixteen sums of products at a time: four unsigned weights of each output with four signed
// activations that all outputs share. The sums are exact on every processor.
#pragma once
#include "vec.h"

constexpr int QUAD_BYTES = 4 * LANES;

#if defined(__AVX512VNNI__)
constexpr bool LONG_WAITS = true;  // a product has to wait for the one before it in the same sum
constexpr int rows_together(int) { return 8; }

template <int BITS>
struct Quad {
  __m512i numbers;

  static Quad load(const uint8_t* p) { return {_mm512_loadu_si512(p)}; }
  // Of 4-bit weights, what lies in the lower and the upper halves of the same bytes.
  static void load_halves(const uint8_t* p, Quad& lower, Quad& upper) {
    const __m512i both = _mm512_loadu_si512(p), low = _mm512_set1_epi8(15);
    lower.numbers = _mm512_and_si512(both, low);
    upper.numbers = _mm512_and_si512(_mm512_srli_epi16(both, 4), low);
  }
};

template <int BITS>
struct Products {
  __m512i total{};

  void add(const Quad<BITS>& quad, const int8_t* q) {
    int32_t four;
    std::memcpy(&four, q, 4);
    total = _mm512_dpbusd_epi32(total, quad.numbers, _mm512_set1_epi32(four));
  }
  v16i sums() const { return (v16i)total; }
};

#elif defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
constexpr bool LONG_WAITS = false;
constexpr int rows_together(int bits) { return bits == 4 ? 4 : 2; }  // sixteen registers in all

// Numbers of four bits each, outputs 0 to 7 and 8 to 15; of 8-bit weights the lower halves, then
// the upper ones.
template <int BITS>
struct Quad {
  __m256i part[BITS / 2];

  static __m256i half(__m256i both, int shift) {
    return _mm256_and_si256(_mm256_srli_epi16(both, shift), _mm256_set1_epi8(15));
  }
  static __m256i at(const uint8_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static Quad load(const uint8_t* p) {
    const __m256i first = at(p), second = at(p + 32);
    return {{half(first, 0), half(second, 0), half(first, 4), half(second, 4)}};
  }
  static void load_halves(const uint8_t* p, Quad& lower, Quad& upper) {
    const __m256i first = at(p), second = at(p + 32);
    lower = {{half(first, 0), half(second, 0)}};
    upper = {{half(first, 4), half(second, 4)}};
  }
};

// A group's 32 products of at most 15 * 127, in pairs, add up to 30,480: they fit into 16 bits.
template <int BITS>
struct Products {
  __m256i total[BITS / 2]{};

  void add(const Quad<BITS>& quad, const int8_t* q) {
    int32_t four;
    std::memcpy(&four, q, 4);
    const __m256i shared = _mm256_set1_epi32(four);
    for (int i = 0; i < BITS / 2; i++)
      total[i] = _mm256_add_epi16(total[i], _mm256_maddubs_epi16(quad.part[i], shared));
  }
  __m256i whole(int side) const {
    const __m256i ones = _mm256_set1_epi16(1), lower = _mm256_madd_epi16(total[side], ones);
    if constexpr (BITS == 4) return lower;
    const __m256i upper = _mm256_madd_epi16(total[side + BITS / 2 - 2], ones);
    return _mm256_add_epi32(lower, _mm256_slli_epi32(upper, 4));
  }
  v16i sums() const { return join(whole(0), whole(1)); }
};

#else
constexpr bool LONG_WAITS = false;
constexpr int rows_together(int) { return 8; }

template <int BITS>
struct Quad {
  uint8_t number[QUAD_BYTES];

  static Quad load(const uint8_t* p) {
    Quad quad;
    std::memcpy(quad.number, p, QUAD_BYTES);
    return quad;
  }
  static void load_halves(const uint8_t* p, Quad& lower, Quad& upper) {
    for (int i = 0; i < QUAD_BYTES; i++) lower.number[i] = p[i] & 15, upper.number[i] = p[i] >> 4;
  }
};

template <int BITS>
struct Products {
  v16i total{};

  void add(const Quad<BITS>& quad, const int8_t* q) {
    for (int i = 0; i < LANES; i++)
      for (int b = 0; b < 4; b++) total[i] += quad.number[4 * i + b] * q[b];
  }
  v16i sums() const { return total; }
};
#endif
