"""How much a text looks like one that people write into the header of a game: log-probabilities of its letters.

Two bytes of an undeclared encoding are a letter in most East Asian encodings at once, and which letters those are is
all there is to tell them apart: surnames, given names, the words of titles and results. For each script there is a
list of letters that are frequent there; what is not in it is likely in the order of its standard, which lists the
frequent half of its characters first (level 1 of GB 2312, JIS X 0208 and Big5; the 2,350 syllables of KS X 1001). Texts
in Cyrillic and Latin letters are told by letter frequencies, and by where in a word capitals and accents stand.

All numbers are natural logarithms, for a letter or for a text, and only letters beyond ASCII count.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from functools import cache

HOPELESS = -14.0  # a byte that is no letter in an encoding, or one that nobody writes
_SIGN = -10.0  # a sign that is no letter, in a text in letters
_PUNCTUATION = set("　、。，．・·「」『』（）《》〈〉【】［］—―～…：；！？〜ー々×＋－／％　０１２３４５６７８９") | {
    chr(c) for c in range(0xFF21, 0xFF5B)
}

# Surnames, given names, words of titles, dates and results; then what is frequent in any text.
_SIMPLIFIED = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜"
    "范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文柯时芈党童连檀俞於牛牟古聂卫洁力昊宇廷"
    "睿鼎尔豪祁辜梓昱轩驰欣辰冬骏捷晨星灿铭赫浩杰明伟芳娜敏静丽强磊军洋勇艳涛超霞平刚桂英华建国志雄成辉海波斌峰博健亮哲立"
    "新春秋东南西北清源泽天鹏飞翔凯俊毅威震旭阳光荣庆祥瑞嘉佳思远航玉红梅兰雪云月珍琳琪璐瑶婷颖慧晓小大中一二三四五六七八九"
    "十百千年月日时分秒第届期局轮场次盘回合番棋围赛杯甲乙丙级联名人王元圣战本因坊应氏丰田春兰三星梦百灵利民中信电视快农心富"
    "士通亚洲世界锦标挑者决半预选拔争霸冠军亚冠业余职段位九胜负黑白先执让子目贴和执行时间用读秒限超认输不计点解说评论者地"
    "点比对手全个运动会团体男女双青少老新锐秀天元龙城建设理光阿含桐山倡棋威孚房产北京上海江苏浙江重庆成都杭州广东厦门深圳云"
    "南贵州山西衢烂柯友谊邀请擂台网络弈客腾讯野狐绝艺人工智能公开特别表演指导训练升降打入循环淘汰首尾"
    "的是了在有这为之来以个上们到说国和地也子时道出而要于就下得可你年生自会那后能对着事其里所去行过家十用发天如然作方成者多"
    "日都小军无同主动面已样道意外加当没与么她心法开经但因进果美本前想理公手化全变它问使现合正水长表点制力重相什情间两新"
)
_TRADITIONAL = (
    "張劉陳楊趙黃吳孫馬羅鄭謝韓馮許呂蘇盧蔣賈葉閻鐘陸萬錢湯賴龔喬賀顧鄧譚鄒龍連衛潔軒馳駿燦銘傑偉靜麗強軍艷濤剛華國輝雲"
    "陽榮慶遠紅蘭瑋瓊穎曉東時場輪盤圍賽級聯聖戰應豐夢電視農亞錦標挑決預選爭霸業餘職勝負讓貼執間讀認輸計點評論對個運動團體"
    "雙設產廈門貴爛誼請擂網絡騰訊絕藝開別導訓練環首的這為來們說過發無學會義長後進實現問樣經裡還樂書歲齊寶鳳鴻鵬鈞鎮鑫賢"
    "豪翊哲郁嘉凱劭宏昆彥均彤妍婕妤瑜芸萱皓宥辰睿庭毅俊宗昌政文王元名人棋聖天新象國手友士盃屆強賽終局番戰冠軍挑戰者黑白"
    "中盤勝目半子台灣臺北高雄海峰明琬立誠栩周長星林夏嘩清源宗漢雲紹祐"
)
_JAPANESE = (
    "佐藤鈴木高橋田中伊渡辺山本村小林加吉口松井上斎斉清水森池阿部石川前岡長谷後坂近遠青西福太三浦原和竹金子内野大島今河平工"
    "柴宮酒柳安永秋関根沢澤新桜岩尾羽結城依趙武坂榮栄呉沈謝許張王余仲邑菫牛一力遼芝虎丸家元栩紳路敬吾直樹聡臨紀基治勲光正英雄"
    "海峰男秀行清源實実夫芳立誠銘琬時熏本克弥篤史麒介里菜愛咲美依旻航郎佐竜平栄次朗喜久郁剛誠貴志悟孔明潤裕也敏彦哲隆幸健勝俊"
    "宏浩茂進勇修司彰範典知智仁信孝昭昌義良亮涼翔輔斗駿陽奈佳香織紗彩由優千尋舞葉花凛真恵雅博弘洋子枝江代絵理沙季早苗春夏秋冬"
    "第期局戦七番勝負因坊名人棋聖天座碁聖十段杯優決準挑者予選次最終回日院東京大阪名古屋関西月年黒白中押目半時間秒読初二三四五六"
    "八九級手合会国際世界権早星阿含桐山女流新鋭若鯉戦争覇農心富士通三星春蘭応氏豊田対局記録立会解説場所記者新聞社主催旅館市県区"
    "町村互先定先互込出付消費持総譜棋譜観戦者十九路盤石上下左右隅辺打込切継"
    "人一日大年出本中子見国言上分生手自行者二間事思時気会十家女三前的方入小地合後目長場代私下立部学物月田何来彼話体動社知"
    "理山内同心発高実作当新世今書度明五戦力名金性対意用男主通関文屋感郎業定政持道外取所現"
)
_KOREAN = (
    "김이박최정강조윤장임한오서신권황안송류유홍전고문손양배백허남심노하곽성차주우구민진지엄채원천방공현함변염여추도소석선설마길연"
    "위표명기반왕금옥육인맹제모탁국어은편용예경봉사부황보세돌환창호훈진영수철상준동현재희태형일종규승욱범찬건빈은아라미나혜윤숙"
    "자순옥란애향병덕만복길석필대중무광식근관섭열택혁룡웅렬률림람별솔슬빛나래초롱하늘바둑대회배국결승명인전단흑백불계승기원선수"
    "권본선예선제회차년월일시분초위왕위천원패왕국수십단삼성화재농심신라면춘란응씨잉창호엘지비씨카드맥심커피하이원리조트물가정보"
    "프로아마여자남자신인왕중국일본한국세계바둑리그챔피언스플레이오프준결승강전집반덤호선접바둑판해설관전기사구단팀감독연구생입"
    "문서울부산대구인천광주울산제주강릉청주포항서귀포영암신안강진충암연도장학생시니어오픈최고기지존"
    "의이가는을를에와과로으로도만에서까지부터다고하지않은있없것수들그저및또는때더보면서요습니까했었"
)
_CYRILLIC = (
    "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",
    (11.0, 8.5, 8.0, 7.4, 6.7, 6.3, 5.5, 4.7, 4.5, 4.4, 3.5, 3.2, 3.0, 2.8, 2.6, 2.0, 1.9, 1.7, 1.7, 1.6, 1.6, 1.4,
     1.2, 1.0, 0.9, 0.7, 0.6, 0.5, 0.4, 0.3, 0.3, 0.05, 0.2),
)  # fmt: skip
_CYRILLIC_VOWELS = set("аеёиоуыэюяіїє")
_LATIN_FREQUENT = "éèêëáàâäãåæçíìîïñóòôöõøßúùûüýœÉÈÁÅÄÖÜÓÇØÆŠšŽžÍÚÑ"
_LATIN_CENTRAL = "ąćęłńóśźżčšžřěůťďňýáíéúőűöüäßŁŚŻŹŠŽČŘÁÉÍÓÖÜ"
_QUOTES = "‘’“”–—…«»°•€™"
_EAST = r"\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uffef"
_PIECE = re.compile(rf"[{_EAST}]+|[^{_EAST}]+")
_WORD = re.compile(r"[^\W\d_]*[^\x00-\x7f\W\d_][^\W\d_]*")
_BEYOND = re.compile(r"[^\x00-\x7f]")


def likelihood(text: str, script: str) -> float:
    """How probable a decoded text is in one of `SCRIPTS`, as a logarithm; only letters beyond ASCII count."""
    return SCRIPTS[script](text)


def _lines(text: str, letter: Callable[[str], float]) -> float:
    return sum(letter(character) for character in _BEYOND.findall(text))


def _table(letters: str, mass: float) -> dict[str, float]:
    found = set(letters)
    return dict.fromkeys(found, math.log(mass / len(found)))


def _row(character: str, codec: str) -> tuple[int, int]:
    """Row and cell of a character in a standard of 94 by 94 (from 1), or the bytes of Big5; zeros where it has none."""
    try:
        code = character.encode(codec)
    except UnicodeError:
        return 0, 0
    return (code[0], code[1]) if len(code) == 2 else (0, 0)


def _ideographs(
    frequent: str, mass: float, punctuation: float, others: Callable[[str], float]
) -> Callable[[str], float]:
    """How probable a letter is: frequent ones share `mass`, a hundred marks `punctuation`; `others` says the rest."""
    table = dict.fromkeys(_PUNCTUATION, math.log(punctuation / 100)) | _table(frequent, mass)
    return cache(lambda character: table[character] if character in table else others(character))


def _chinese(frequent: str, codec: str, level1: range, level2: range) -> Callable[[str], float]:
    def others(character: str) -> float:
        first = _row(character, codec)[0]
        if first in level1 and "\u4e00" <= character <= "\u9fff":
            return math.log(0.2 / 4000)
        if first in level2 and "\u4e00" <= character <= "\u9fff":
            return math.log(0.02 / 4000)
        return math.log(0.001 / 18000) if "\u4e00" <= character <= "\u9fff" else HOPELESS

    return _ideographs(frequent, 0.75, 0.02, others)


def _japanese() -> Callable[[str], float]:
    kana = math.log(0.25 / 160)

    def others(character: str) -> float:
        row = _row(character, "euc_jp")[0] - 0xA0
        if 16 <= row <= 47:
            return math.log(0.18 / 3000)
        if 48 <= row <= 84:
            return math.log(0.02 / 3400)
        return math.log(0.002 / 63) - 4 if "\uff61" <= character <= "\uff9f" else HOPELESS

    letter = _ideographs(_JAPANESE, 0.5, 0.03, others)
    return lambda character: kana if "\u3041" <= character <= "\u30fc" else letter(character)


def _korean() -> Callable[[str], float]:
    def others(character: str) -> float:
        if "\uac00" <= character <= "\ud7a3":
            return math.log(0.1 / 2350) if _row(character, "euc_kr")[0] else math.log(0.002 / 8800)
        return math.log(0.02 / 4888) if _row(character, "euc_kr")[0] >= 0xCA else HOPELESS

    return _ideographs(_KOREAN, 0.85, 0.02, others)


def _cyrillic(text: str) -> float:
    shares = dict(zip(_CYRILLIC[0], (math.log(share / 100) for share in _CYRILLIC[1]), strict=True))
    shares |= dict.fromkeys("іїєґ", math.log(0.001))
    total = _outside_words(text, _SIGN)
    for word in _WORD.findall(text):
        lower = word.lower()
        capitals = word.isupper() and len(word) > 1
        consonants = 0
        for index, (written, letter) in enumerate(zip(word, lower, strict=False)):
            if letter.isascii():
                total += math.log(0.005)
                continue
            total += shares.get(letter, HOPELESS)
            if written != letter:
                total += math.log(0.3 if capitals or not index else 0.0005)
            consonants = 0 if letter in _CYRILLIC_VOWELS else consonants + 1
            total += math.log(0.1) if consonants > 4 else 0
    return total


def _latin(frequent: str) -> Callable[[str], float]:
    likely = _table(frequent, 0.9)

    def of(text: str) -> float:
        total = _outside_words(text, _SIGN)
        for word in _WORD.findall(text):
            for index, letter in enumerate(word):
                if letter.isascii():
                    continue
                total += likely.get(letter, math.log(0.001) if letter <= "\u017f" else HOPELESS)
                if index and not word[index - 1].isascii():
                    total += math.log(0.02)
                if index and letter.isupper() and not word[index - 1].isupper():
                    total += math.log(0.02)
                if len(word) == 1:
                    total += math.log(0.1)
        return total

    return of


def _outside_words(text: str, other: float) -> float:
    """The signs beyond ASCII that are no letters."""
    return sum(math.log(0.01) if sign in _QUOTES else other for sign in _BEYOND.findall(text) if not sign.isalpha())


def _mixed(text: str) -> float:
    """Text in Unicode: each letter in the script that it belongs to."""
    parts: dict[str, list[str]] = {"east": [], "rest": []}
    for piece in _PIECE.findall(text):
        parts["east" if piece[0] >= "\u2e80" else "rest"].append(piece)
    east, rest = "".join(parts["east"]), " ".join(parts["rest"])
    total = _best(east, ("simplified", "traditional", "japanese", "korean")) if east else 0.0
    return total + (_best(rest, ("latin", "central", "cyrillic")) if _BEYOND.search(rest) else 0.0)


def _best(text: str, scripts: Iterable[str]) -> float:
    return max(likelihood(text, script) for script in scripts)


def _letters(make: Callable[[], Callable[[str], float]]) -> Callable[[str], float]:
    """A script of single letters, whose table is made when it is first asked for."""
    made: list[Callable[[str], float]] = []

    def of(text: str) -> float:
        if not made:
            made.append(make())
        return _lines(text, made[0])

    return of


SCRIPTS: dict[str, Callable[[str], float]] = {
    "simplified": _letters(lambda: _chinese(_SIMPLIFIED, "gb2312", range(0xB0, 0xD8), range(0xD8, 0xF8))),
    "traditional": _letters(
        lambda: _chinese(
            _TRADITIONAL + "".join(c for c in _SIMPLIFIED if _row(c, "big5")[0]),
            "big5",
            range(0xA4, 0xC7),
            range(0xC9, 0xFA),
        )
    ),
    "japanese": _letters(_japanese),
    "korean": _letters(_korean),
    "cyrillic": _cyrillic,
    "latin": _latin(_LATIN_FREQUENT),
    "central": _latin(_LATIN_CENTRAL),
    "any": _mixed,
}
