"""Word lists: what copy may always say, how facts are built, and what gives a bad text away."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ARTICLES = words("a an the")
PREPOSITIONS = words(
    "about above across after against along among around as at before behind below between beyond "
    "by despite down during except for from in inside into like near of off on onto out over per "
    "since through throughout to toward towards under until up upon via with within without"
)
CONJUNCTIONS = words("and but or nor so yet because if when while although though unless than")
RELATIVES = words("that which who whom whose where why how what whether")
PRONOUNS = words(
    "i me my mine we us our ours you your yours he him his she her hers it its they them their "
    "theirs this that these those one ones someone anyone everyone something anything everything "
    "nothing nobody yourself itself themselves ourselves each other another both"
)
AUXILIARIES = words(
    "be is are was were been being am have has had having do does did doing done can could will "
    "would shall should may might must let's don't doesn't isn't aren't won't can't it's you're "
    "we're they're that's you'll we'll it'll there's here's you've we've i'm"
)
ADVERBS = words(
    "not no never always only just also too very more most less least much many few again already "
    "now then here there today tonight tomorrow soon later still even once twice often ever "
    "together away back forward almost quite rather really so well far long right enough all any "
    "every some such same own"
)
FUNCTION = ARTICLES | PREPOSITIONS | CONJUNCTIONS | RELATIVES | PRONOUNS | AUXILIARIES | ADVERBS
# A phrase that ends in one of these was cut off.
DANGLING = (
    ARTICLES
    | (PREPOSITIONS - words("about around down in inside off on out over through up within like"))
    | words("and but or nor because if while although unless than our your my their its")
    | words("is are was were be been can could will would should may might must very every")
)

# What copy may say about any product without stating a fact about it.
STOCK = words(
    "get getting try trying shop shopping buy buying book booking order start starting join see "
    "seeing find finding make making made take taking choose choosing discover enjoy enjoying meet "
    "save saving switch love loved help helping helps keep keeping give giving go going feel feels "
    "come comes ask learn look looking bring brings work works working use using used need needs "
    "needed required want wants explore compare read say think know live leave let put build built "
    "design designed create created fit fits ready set turn "
    "time times day days week weeks month year home life place way ways thing things people person "
    "team teams everyone moment morning evening world part reason reasons choice kind difference "
    "easy easily simple simply quick quickly fast faster better good great new fresh little big "
    "small real true clear clearer calm smart smarter happy friendly warm bright right next first "
    "perfect ideal everyday whole easier simpler sooner busy proud "
    "online here more details welcome thanks thank hello hi sure question questions minute "
    "send sends offer offers sent kept found given told "
    "seconds less fuss hassle effort stress worry worries click tap reply forward care"
)

# Claims that need the brief's word for it: the pair with the next word must be in the brief.
RISKY = words(
    "free no never always only guaranteed guarantee best cheapest lowest fastest largest leading "
    "first unlimited lifetime instant instantly certified official award award-winning proven "
    "half double twice without not"
)

NUMBER_WORDS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15,
    "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30,
    "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
    "hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "dozen": 12,
}  # fmt: skip

# Capitalised words that name nobody.
COMMON_CAPITALS = words(
    "i i'm i'd i'll i've monday tuesday wednesday thursday friday saturday sunday january february "
    "march april may june july august september october november december english ok faq tip note "
    "christmas easter halloween mr mrs ms dr internet web ceo seo pdf wi-fi wifi usb diy tv id"
)

# Text about the text: a small model describing its task instead of doing it.
META = words(
    "paragraph paragraphs sentence sentences headline headlines subheadline heading headings "
    "article articles blog blogs blogpost story essay prompt rewritten rephrase rephrased "
    "rephrasing revised outline copywriter chatbot assistant user's"
)
META_PHRASES = (
    "as an ai", "language model", "here is", "here's a", "here's an", "here's the", "here are",
    "this text", "this post", "your text", "the text", "this section", "the following",
    "key points", "key point", "this point", "the topic", "the reader", "the point you",
    "in conclusion,", "i hope this", "let me know if", "subject line", "i would suggest",
    "dear reader", "the product description", "a classic example", "can be seen as",
    "is a common misc", "refers to the fact", "call to action", "ad sentence",
)  # fmt: skip

# Somebody's story, told where advice was wanted; cures and dangers that nobody has checked.
UNWANTED = words(
    "announced decided left went told said asked explained recalled noticed stated "
    "cure cures detox detoxify bacteria disease diseases heals poison kill kills toxic injury die "
    "dies died death complimentary refund reward rewards"
)
# Proof that nobody has seen, unless the brief speaks of it.
EVIDENCE = words(
    "research researchers study studies survey surveys statistics experts expert scientists "
    "scientific proven"
)
# With these a sentence adds a condition or a reason.
TERMS = words("if because unless although though since but until while")
# Words with which a company speaks of itself.
COMPANY = words("we our us ours company")
ORDINALS = words("first second third fourth fifth sixth seventh firstly secondly thirdly finally")

VERBS = words(
    "accept add adapt allow answer arrive automate avoid be beat book bring build buy calm cancel "
    "capture care carry change charge check choose clean clear collect come compare connect "
    "control convert cook cool cover create cut deliver design discover download earn eat enjoy "
    "export feed feel fight file fill find finish fit fix focus fold follow get give go grow "
    "handle heal hear help hide hold hydrate import improve include increase invite join jump "
    "keep know last launch lead learn let lift light list listen live load lock look lose love "
    "make manage master match measure meet monitor move need offer open order organise organize "
    "own pack pause pay pick plan play prevent print process produce protect prove publish put "
    "raise reach read reduce relax remember remind remove renew repair replace reply report reset "
    "respond rest return ride run save scale schedule see sell send serve set share ship show "
    "simplify sit skip sleep smell smooth soften solve sound speak speed stand start stay stop "
    "store stretch support switch sync take talk taste teach tell test tidy track train transform "
    "translate travel try turn understand update upgrade use visit wait wake walk warm wash watch "
    "wear win work wrap write"
)
# Third persons that are plural nouns at least as often.
NOT_VERBS = words(
    "orders books plans offers tests walks visits lists lights prints reports results ships shows "
    "supports trains turns updates upgrades uses returns repairs changes charges checks covers "
    "answers cuts stores designs downloads exports imports files fits cans lasts lets plays talks "
    "travels tastes sounds smells stands stops starts"
)
# Verbs after which "your customer does it" reads as well as "it does it".
SHARED_VERBS = words(
    "send find track manage plan share cut save learn create build get book pay reduce connect "
    "organise organize sell grow collect compare schedule sync export import publish clean cook "
    "avoid protect improve control measure monitor remember"
)
PREDICATES = words(
    "made built designed free safe easy light ready gentle soft warm dry quick fast available open "
    "rated certified tested handmade crafted printed packed baked roasted grown sourced delivered "
    "backed trusted loved powered kind suitable perfect ideal reflective waterproof washable "
    "vegan comfortable compatible approved insured cooked based priced tailored fitted woven sewn"
)
# What companies are called after: here the brand and the product are one.
SERVICES = words(
    "app software platform tool wiki service system agency studio bank assistant site website "
    "marketplace dentist clinic practice school academy gym cafe restaurant hotel shop store "
    "consultancy firm network portal suite workspace crm dashboard api plugin extension newsletter "
    "podcast community club bakery salon garage plumber accountant insurer lawyer broker"
)
HEADLINE_SMALL = words("a an the and or but of for in on at to by from with as per via")
