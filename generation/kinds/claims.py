"""Claims that need the brief's word: superlatives, proof, quotes, dates, results, events."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from generation.kinds.clauses import chinese, pairs, root
from generation.kinds.places import Span
from generation.kinds.text import fold, sentences

MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
DAYS = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
LIKE = "best|cheapest|fastest|largest|biggest|finest|greatest|safest|strongest|lightest|lowest|"
LIKE += "purest|freshest|smartest|quietest|leading|top|favourite|favorite"
# `best` may praise anything; these measure the product against all others.
MEASURED = "cheapest|fastest|largest|biggest|finest|safest|strongest|purest|smartest|leading"
BEST = re.compile(r"\b(?:the|our|your) (?:very )?best((?: [\w'’-]+){1,3})", re.IGNORECASE)
# Freedom from these is a turn of phrase.
FEELINGS = frozenset(
    [
        "hassle",
        "worry",
        "stress",
        "care",
        "hands",
        "guilt",
        "fuss",
        "trouble",
        "pain",
        "jargon",
        "mess",
    ]
)
# What a pattern finds has to stand in the brief: its words, or all but the little ones.
ENGLISH = {
    "superlative": re.compile(
        r"\b(?:the |our |a )?(?:world|country|nation|europe|britain|uk|america|industry|city|town|"
        rf"market)(?:['’]s|[- ]leading|[- ]class|[- ]famous)(?: (?:{LIKE}|first|most|no|number)\b)?"
        rf"|\b(?:the )?(?:{LIKE}|only)\b[\w -]{{0,40}}?\b(?:in|on|of|across) (?:the |all |our )?"
        r"(?:world|market|country|city|town|industry|planet|uk|europe|britain|america|class|land)\b"
        r"|\b(?:number one|no\. ?1|#1|unbeatable|unrivall?ed|unmatched|second to none"
        r"|award[- ]winning|"
        r"best[- ]selling|bestsell(?:er|ing)|top[- ]rated|market[- ]lead(?:er|ing)"
        r"|industry[- ]leading|"
        r"best[- ]in[- ]class|state[- ]of[- ]the[- ]art|miracle|revolutionary|risk[- ]free)\b"
        rf"|\bthe (?:{MEASURED}) (?=[a-z])",
        re.IGNORECASE,
    ),
    "proof": re.compile(
        r"\b(?:clinical(?:ly)?|scientific(?:ally)?|laborator(?:y|ies)|lab|dermatologically|doctor|"
        r"dentist|vet|expert|independently|officially|fully)[- ](?:proven|tested|approved"
        r"|recommended|"
        r"certified|endorsed|verified|trials?|stud(?:y|ies))\b"
        r"|\b(?:stud(?:y|ies)|research(?:ers)?|surveys?|scientists?|statistics|experts?|"
        r"trials|analysts?|polls?|the data|our data|figures) (?:\w+ ){0,3}?(?:show|shows"
        r"|showed|shown|"
        r"say|says|agree|found|find|finds|suggests?|prove|proves|confirm\w*|reveal\w*|indicates?|"
        r"estimate|recommend)\b"
        r"|\b(?:according to|voted|rated|awarded|trusted by|loved by|chosen by|used by"
        r"|recommended by|"
        r"endorsed by|certified by|approved by|backed by|as seen (?:on|in)"
        r"|featured in)\b(?: [\w'’-]+){1,3}"
        r"|\b(?:guarantee[ds]?|proven|certified|patented|accredited)\b"
        r"|\b(?:thousands|hundreds|millions|dozens) of\b(?: [\w'’-]+)?",
        re.IGNORECASE,
    ),
    "date": re.compile(
        rf"\b(?:by|from|until|till|this|next|since|before|after) (?:{DAYS})\b(?!['’]?s)"
        rf"|\b\d{{1,2}}(?:st|nd|rd|th)? (?:of )?(?:{MONTHS})\b|\b(?:{MONTHS}) \d{{1,4}}\b"
        rf"|\b(?:[Ii]n|[Ss]ince|[Bb]y|[Ff]rom|[Uu]ntil|[Tt]his|[Nn]ext|[Ll]ast|[Ee]arly|[Ll]ate) "
        rf"(?:{MONTHS})\b"
        r"|\b(?:[Ll]ast|[Nn]ext|[Ee]arlier this|[Ll]ater this) "
        r"(?:week|month|year|quarter|spring|summer|autumn|winter)\b"
        r"|\b(?:founded|established|born) in\b"
    ),
    "result": re.compile(
        r"\b(?:doubled?|tripled?|trebled|quadrupled|halv(?:ed|es)|twice as|half as|twofold|tenfold|"
        r"(?:rose|risen|grew|grown|fell|fallen|dropped|increased|decreased|improved|jumped|soared|"
        r"climbed|surged|declined|shrank|gained) (?:by|to|from|sharply|steadily"
        r"|significantly|markedly|"
        r"considerably)|record (?:sales|year|high|growth|demand)|the (?:results"
        r"|findings) (?:show|are)|"
        r"(?:we|it) (?:found|measured|observed|saw)|(?:most|the majority|a majority|half|a third|"
        r"a quarter|two thirds) of (?:\w+ )?(?:people|customers|users|respondents|companies|teams|"
        r"members|households|patients|buyers|shoppers|adults|parents|readers))\b",
        re.IGNORECASE,
    ),
    "absence": re.compile(
        r"\b[a-z]+-free\b"
        r"|\b(?:free (?:of|from)|contains? no|made without|no added|without added|zero added)"
        r"(?: (?:any|all|added|artificial|harmful))? [a-z]+",
        re.IGNORECASE,
    ),
}
CHINESE = {
    "superlative": re.compile(
        r"最(?:好|佳|优|强|大|快|低价?|便宜|高级|先进|安全|新鲜|专业|受欢迎|畅销|纯正|顶尖|高)"
        r"|第一(?:品牌|名|大|选择)|(?:销量|行业|全国|全球|排名|市场|口碑)第一|唯一|顶级|顶尖|国家级|世界级|极品|首选|独家|"
        r"权威|领先|百分百|100[%％]|永久|绝对|万能|史上|全网|全国|全球|无敌|完美无缺|根治|特效|奇迹"
    ),
    "proof": re.compile(
        r"(?:研究|调查|数据|实验|试验|统计|报告|专家|科学家|医生|权威)[^，。；！？]{0,6}"
        r"(?:表明|显示|证明|证实|指出|认为|推荐|建议|发现|一致)|据[^，。]{1,10}(?:统计|报道|调查|介绍)|"
        r"临床(?:验证|试验|证明)|科学(?:证明|验证)|荣获|获得?[^，。]{0,8}(?:奖|认证)|"
        r"[^，。\s]{0,4}(?:认证|专利)|(?:数|成)[千万百]+(?:名|位|家)?[^，。]{0,4}|"
        r"(?:销量|好评|口碑)[^，。]{0,4}(?:第一|领先|冠军|如潮)|明星(?:推荐|同款)|热销"
    ),
    "date": re.compile(
        r"(?:\d+|[一二三四五六七八九十]+)月(?:\d+|[一二三四五六七八九十]+)[日号]|(?:本|下|上|这)?(?:周|星期)[一二三四五六日天](?!起)|"
        r"(?:去年|明年|上个?月|下个?月|上周|下周|昨天|前天|后天)|(?:春节|国庆|中秋|双十一|双11|618|双十二|元旦)"
    ),
    "result": re.compile(
        r"(?:翻了?一?[倍番]|增长了?|提升了|下降了|减少了|提高了|倍增|突破)[^，。]{0,6}|"
        r"(?:大多数|大部分|半数|多数|九成|八成|七成)[^，。]{0,6}(?:用户|顾客|客户|消费者|人)"
    ),
}
CHINESE_PLACE = re.compile(
    r"(?<=[在到自往从于去产])?(?:北京|上海|广州|深圳|杭州|成都|重庆|武汉|南京|西安|苏州|天津|长沙|青岛|厦门|"
    r"大连|宁波|昆明|郑州|济南|哈尔滨|沈阳|福州|福建|广东|广西|浙江|江苏|四川|云南|湖南|湖北|山东|山西|河南|河北|"
    r"安徽|江西|贵州|陕西|甘肃|青海|新疆|西藏|海南|辽宁|吉林|黑龙江|内蒙古|宁夏|香港|澳门|台湾|日本|韩国|美国|英国|"
    r"法国|德国|意大利|西班牙|瑞士|瑞典|荷兰|丹麦|挪威|芬兰|澳大利亚|新西兰|加拿大|泰国|越南|印度|巴西|俄罗斯|"
    r"东京|巴黎|伦敦|纽约|米兰|柏林|欧洲|欧美|非洲|东南亚)"
)
CHINESE_NAME = re.compile(
    r"[王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢"
    r"姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤]"
    r"[\u4e00-\u9fff]{0,2}(?:先生|女士|小姐|教授|博士|医生|老师|院士|总监|经理|主任|大师|师傅)"
    r"|[\u4e00-\u9fff]{2,8}(?:大学|学院|研究院|研究所|协会|集团|医院|实验室|有限公司)"
)
QUOTE = re.compile(r"[\"“「『]([^\"“”「」『』\n]{1,400})[\"”」』]")
SAYS = re.compile(
    r"\b(?:says?|said|told|explains?|explained|adds?|added|comments?|writes?|according to)\b"
    r"|(?:说|表示|称|介绍|告诉)",
    re.IGNORECASE,
)
LEAST_QUOTE = 4
# Sentences in which the brand tells of itself, and what it can only have done once.
EVENT = re.compile(
    r"\b(?:founded|launched|opened|won|raised|partnered|acquired|hired|expanded|signed|announced|"
    r"moved|celebrated|received|unveiled|introduced|joined forces|teamed up|inspired by|invented|"
    r"grew up|sold out|sponsored|donated|planted|closed|merged|relocated|pioneered|started out|"
    r"has (?:served|shipped|sold|helped|been)|have (?:served|shipped|sold|helped|been)|"
    r"(?:plans?|intends?|aims?|expects?) to|will (?:open|launch|expand|introduce|release"
    r"|add|host))\b",
    re.IGNORECASE,
)
CHINESE_EVENT = re.compile(
    r"(?:成立于|创立于|创办|荣获|入驻|签约|收购|融资|开业|上市|携手|联手|赞助|捐赠|发布会|累计(?:销售|服务))[^，。；]{0,8}"
)
LITTLE = frozenset(
    [
        "the",
        "a",
        "an",
        "our",
        "on",
        "in",
        "by",
        "from",
        "until",
        "till",
        "this",
        "of",
        "to",
        "is",
        "are",
        "it",
        "was",
        "since",
        "for",
    ]
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim that the brief does not make; `kind` as in the tables, or "quote", "event"."""

    kind: str
    span: Span


def unsupported(text: str, known: str, brand: str = "", subject: str = "") -> Iterator[Claim]:
    """The claims in a text that its brief does not make; `subject` is what is sold."""
    yield from _bests(text, known, subject)
    yield from _matches(ENGLISH, text, known)
    yield from _matches(CHINESE, text, known)
    yield from _quotes(text, known)
    yield from _events(text, known, brand)
    yield from _chinese_names(text, known)


def _matches(table: dict[str, re.Pattern[str]], text: str, known: str) -> Iterator[Claim]:
    for kind, pattern in table.items():
        for found in pattern.finditer(text):
            if not (_is_said(found.group(), known) or _is_feeling(kind, found.group())):
                yield Claim(kind, Span(*found.span(), found.group()))


def _is_feeling(kind: str, words: str) -> bool:
    return kind == "absence" and words.casefold().partition("-")[0] in FEELINGS


def _bests(text: str, known: str, subject: str) -> Iterator[Claim]:
    """`the best tea`, where tea is what is sold."""
    sold = {root(word) for word in fold(subject).split()}
    for found in BEST.finditer(text):
        praised = {root(word) for word in fold(found.group(1)).split()}
        if praised & sold and not _is_said(found.group(), known):
            yield Claim("superlative", Span(*found.span(), found.group()))


def _is_said(words: str, known: str) -> bool:
    """Whether the brief has these words, or all that tell something, close to each other."""
    given, roots = _known(known)
    if fold(words) in given:
        return True
    own = {root(word) for word in fold(words).split() if word not in LITTLE}
    if own and own <= roots:
        return True
    characters = chinese(words)
    return bool(characters) and (
        characters in given or len(characters) > 2 and pairs(characters) <= pairs(given)
    )


@lru_cache(maxsize=256)
def _known(known: str) -> tuple[str, frozenset[str]]:
    folded = fold(known)
    return folded, frozenset(root(word) for word in folded.split())


def _quotes(text: str, known: str) -> Iterator[Claim]:
    """Words that somebody is to have said; a name or a phrase in quotation marks is none."""
    given, _ = _known(known)
    for found in QUOTE.finditer(text):
        words = fold(found.group(1))
        long = len(words.split()) >= LEAST_QUOTE or len(chinese(words)) >= 2 * LEAST_QUOTE
        around = text[max(0, found.start() - 60) : found.start()] + text[found.end() :][:60]
        if long and words not in given and SAYS.search(around):
            yield Claim("quote", Span(*found.span(), found.group()))


def _events(text: str, known: str, brand: str) -> Iterator[Claim]:
    """What the brand is to have done or to plan, in a sentence about itself."""
    names = "|".join(filter(None, (re.escape(brand), "we|our|the (?:company|team|founders?)")))
    about = re.compile(rf"\b(?:{names})\b", re.IGNORECASE)
    at = 0
    for sentence in sentences(text):
        start = text.find(sentence, at)
        at = start + len(sentence)
        if not about.search(sentence):
            continue
        for found in EVENT.finditer(sentence):
            if not _is_said(found.group(), known):
                yield Claim("event", _shift(found, start))
    for found in CHINESE_EVENT.finditer(text):
        if not _is_said(found.group(), known):
            yield Claim("event", Span(*found.span(), found.group()))


def _shift(found: re.Match[str], by: int) -> Span:
    return Span(by + found.start(), by + found.end(), found.group())


def _chinese_names(text: str, known: str) -> Iterator[Claim]:
    for pattern in (CHINESE_PLACE, CHINESE_NAME):
        for found in pattern.finditer(text):
            if found.group() not in known:
                yield Claim("name", Span(*found.span(), found.group()))
