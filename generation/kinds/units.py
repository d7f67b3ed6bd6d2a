"""Units of measure in English and Chinese, each with its family and its size in it."""

from __future__ import annotations

from typing import NamedTuple


class Unit(NamedTuple):
    """`family` is what a unit measures; values of one family are compared by `size`."""

    family: str
    size: float


TABLE = """
time 1: s sec secs second seconds 秒 秒钟
time 60: min mins minute minutes 分钟
time 3600: h hr hrs hour hours 小时 个小时 钟头
time 86400: day days nightly 天 日
time 604800: week weeks wk wks 周 星期 个星期 礼拜
time 1209600: fortnight fortnights
time 2592000: month months 月 个月
time 31536000: year years yr yrs 年
percent 1: % percent pct ％
percent 1: per-cent
mass 0.001: mg milligram milligrams 毫克
mass 1: g gram grams gramme grammes 克
mass 500: 斤
mass 1000: kg kilo kilos kilogram kilograms 千克 公斤
mass 28.35: oz ounce ounces
mass 453.6: lb lbs pound-weight
volume 1: ml millilitre millilitres milliliter milliliters 毫升
volume 10: cl
volume 1000: l litre litres liter liters 升
length 1: mm millimetre millimetres millimeter millimeters 毫米
length 10: cm centimetre centimetres centimeter centimeters 厘米
length 1000: m metre metres meter meters 米
length 1000000: km kilometre kilometres kilometer kilometers 公里 千米
length 25.4: inch inches
length 304.8: ft foot feet
length 1609344: mile miles 英里
energy 1: cal calories calorie kcal kcals 千卡 大卡 卡
energy 0.239: kj
power 1: watt watts 瓦
power 1000: kw
charge 1: kwh
data 1: kb
data 1000: mb
data 1000000: gb
data 1000000000: tb
rate 1: mbps
heat 1: °c ℃ degrees 度 摄氏度
area 1: sqm m2 m² 平方米 平米
pages 1: page pages 页
times 1: times 次
discount 1: 折
currency:usd 1: $ usd dollar dollars us$ 美元 美金
currency:gbp 1: £ gbp pound pounds quid 英镑
currency:gbp 0.01: p pence penny
currency:eur 1: € eur euro euros 欧元
currency:eur 0.01: cent cents
currency:cny 1: ¥ ￥ rmb cny yuan 元 块 块钱 人民币
currency:chf 1: chf francs
"""


def _read() -> dict[str, Unit]:
    found: dict[str, Unit] = {}
    for line in TABLE.strip().splitlines():
        head, names = line.split(": ", 1)
        family, size = head.split()
        found |= {name: Unit(family, float(size)) for name in names.split()}
    return found


UNITS = _read()
SYMBOLS = "$£€¥￥"
CHINESE = sorted((name for name in UNITS if name[0] > "\u3fff"), key=len, reverse=True)
