"""Encodings without a declaration, with a wrong one, and with one: names come out right or are kept as they are."""

from __future__ import annotations

import random

import pytest

from casecnn.cli import main
from casecnn.errors import UsageError
from casecnn.go.sgf.charset import decode, text_codec
from casecnn.go.sgf.game import games, open_game, read_game

# Names, events and results as headers have them. The names are made up, or those of well-known players of the past.
WORDS = {
    "japanese": (
        "大倉喜一郎 三宅翔太 溝上知親 鈴木歩 向井千瑛 福岡航太朗 酒井佑規 安達利昌 平田智也 大橋拓文 "
        "富士田明彦 木谷實 橋本宇太郎 "
        "岩本薫 高川格 小川誠子 伊角慎一郎 進藤ヒカル 塔矢アキラ 越智康介 和谷義高 倉田厚 緒方精次 桑原仁".split(),
        "第45期棋聖戦七番勝負第3局 第12回世界大会 名人戦リーグ 女流本因坊戦挑戦者決定戦 "
        "アマチュア選手権 新人王戦 さくら杯".split(),
        "黒中押し勝ち 白番2目半勝ち 白半目勝 黒3目半勝".split(),
    ),
    "korean": (
        "김수장 양재호 서능욱 강훈 장수영 유창혁 조훈현 서봉수 노영하 정수현 박정상 이희성 한철균 "
        "백대현 안달훈 김혜민 조혜연 박지은 "
        "윤영선 이지현 송규상 금지우 문유빈 권효진".split(),
        "제45회국수전도전기 한국바둑리그7라운드 제3회세계바둑선수권 여자국수전 신인왕전결승1국 "
        "명인전본선 아마바둑대회".split(),
        "흑불계승 백반집승 백3집반승 흑시간승".split(),
    ),
    "simplified": (
        "陈祖德 吴淞笙 王汝南 华以刚 罗建文 刘小光 马晓春 曹大元 俞斌 邵炜刚 周鹤洋 王磊 丁伟 黄奕中 "
        "邱峻 胡耀宇 孔杰 彭荃 李喆 "
        "周睿羊 檀啸 廖行文 张立 赵哲伦".split(),
        "第三届世界围棋公开赛 围甲联赛第5轮 全国个人赛 倡棋杯决赛第一局 建桥杯女子公开赛 城市围棋联赛 新人王战".split(),
        "黑中盘胜 白胜1又1/4子 白半目胜 黑超时胜".split(),
    ),
    "traditional": (
        "沈君山 周咸亨 彭景華 戴嘉伸 林聖賢 陳永安 陳國興 夏大銘 蕭正浩 張豐猷 林書陽 江鳴久 鄭策 "
        "葉桂五 林至涵 陳詩淵 黃祥任 "
        "蘇聖芳 張正平 楊志德 徐偉庭 簡靖庭 林修平 賴均輔".split(),
        "第十屆世界職業圍棋錦標賽 天元戰挑戰賽第二局 國手爭霸戰 名人賽循環圈 海峰盃決賽 新秀賽 業餘圍棋公開賽".split(),
        "黑中盤勝 白勝四目半 白半目勝 黑超時勝".split(),
    ),
    "cyrillic": (
        "Иван Петров,Илья Новиков,Наталья Ковалева,Дмитрий Сурин,Виктор Ли,Олег Мезенцев,Артём Дугин,Андрей Кравец,"
        "Михаил Галкин,Юрий Плющ,Роман Рудаков,Алексей Лазарев,Константин Пак,Георгий Нилов,Светлана Шикина,"
        "Борис Щукин,Тимур Санин,Елена Вельска,Пётр Жук,Фёдор Цой,Анна Эйдель,Егор Яшин,Зоя Хан,Лев Юдин".split(","),
        "Кубок России,Чемпионат Европы по го,Первенство Москвы,Турнир в Казани,третий тур,финал".split(","),
        "Белые сдались,Черные выиграли 3.5 очка,ничья,Белые: время".split(","),
    ),
    "latin": (
        "André Dubois,Jürgen Müller,François Petit,José García,Björn Åkesson,Søren Kjær,Léo Pérez,Günther Groß,"
        "Antti Törmänen,Zoë Lefèvre,João Conceição,María Núñez,Gérald Hénin,Bärbel Weiß,Jörg König,Hélène Benoît,"
        "Åsa Öberg,Ragnar Þórsson,Íñigo Ordóñez,Noël Gaétan,Käthe Krüger,Renée Châtel,Matthäus Süß,Niño Peña".split(
            ","
        ),
        "Championnat de France, première ronde;Città di Castello;Münchner Turnier;Jyväskylä;Campeón de España;"
        "Göteborg Open;Tournoi de Besançon".split(";"),
        "abandon après 200 coups;Weiß gewinnt: Zeitüberschreitung;Aufgabe, schöne Partie".split(";"),
    ),
}
ENCODINGS = (
    ("shift_jis", "japanese"), ("euc_jp", "japanese"), ("euc_kr", "korean"), ("gb18030", "simplified"),
    ("big5", "traditional"), ("cp1251", "cyrillic"), ("cp1252", "latin"), ("utf-8", "korean"), ("utf-8", "simplified"),
)  # fmt: skip


def headers(script: str, count: int) -> list[dict[str, str]]:
    """Made-up headers: the shortest have two names, others an event and a result too."""
    names, events, results = WORDS[script]
    rng = random.Random(script)
    found = []
    for number in range(count):
        black, white = rng.sample(names, 2)
        header = {"PB": black, "PW": white}
        if number % 3:
            header["EV"] = rng.choice(events)
        if number % 3 == 2:
            header["RE"] = rng.choice(results)
        found.append(header)
    return found


def text_of(header: dict[str, str], **more: str) -> str:
    return "(;GM[1]SZ[19]" + "".join(f"{name}[{value}]" for name, value in (more | header).items()) + ";B[pd];W[dp])"


def test_undeclared_encodings_are_told_apart():
    """At least 95 % of 270 headers in eight encodings; 90 % in each of them."""
    right: dict[str, int] = {}
    count = 0
    for encoding, script in ENCODINGS:
        for header in headers(script, 30):
            text = text_of(header)
            decoded = decode(text.encode(encoding))
            right[f"{encoding} {script}"] = right.get(f"{encoding} {script}", 0) + (
                decoded.text.decode(decoded.encoding) == text
            )
            count += 1
    assert count >= 200 and sum(right.values()) >= 0.95 * count, right
    assert min(right.values()) >= 27, right


@pytest.mark.parametrize(("encoding", "script"), ENCODINGS)
def test_a_single_name_is_right_or_kept_byte_for_byte(encoding, script):
    """One name alone is little to go by; what is not sure must never be written as other letters."""
    right = 0
    for name in WORDS[script][0]:
        data = f"(;SZ[19]PB[{name}];B[pd])".encode(encoding)
        game = open_game(data)
        text = game.tree.sequence[0]["PB"][0]
        if game.encoding == "utf-8":
            right += text.decode() == name
        else:
            assert text == name.encode(encoding) and "kept byte for byte" in game.record.warnings[0]
    assert right >= 0.85 * len(WORDS[script][0])


@pytest.mark.parametrize(
    ("declared", "encoding", "name", "warning"),
    [
        ("gb2312", "gb18030", "古力", ""),
        ("GBK", "gb18030", "李世石", ""),
        ("Big5", "big5", "周俊勳", ""),
        ("Shift_JIS", "shift_jis", "ソ十表ゾ", ""),
        ("windows-1251", "cp1251", "Тимур", ""),
        ("ISO-8859-2", "iso8859-2", "Łukasz Żak", ""),
        ("KOI8-U", "koi8-u", "Київ", ""),
        ("UTF-8", "gb18030", "柯洁九段 对 古力九段", "read as gb18030"),
        ("ISO-8859-1", "gb18030", "柯洁九段 对 古力九段", "read as gb18030"),
        ("ISO-8859-1", "shift_jis", "井山裕太 棋聖", "read as shift_jis"),
        ("ISO-8859-1", "latin-1", "Andr\xe9", ""),
        ("gb2312", "utf-8", "柯洁九段 对 古力九段", "read as UTF-8"),
        ("Shift_JIS", "latin-1", "Andr\xe9 L\xe9vy", "read as latin-1"),
    ],
)
def test_a_declaration_helps_but_is_not_believed_blindly(declared, encoding, name, warning):
    record = read_game(f"(;CA[{declared}]SZ[9]PB[{name}];B[aa])".encode(encoding))
    assert record.black == name
    assert len(record.warnings) == bool(warning) and warning in "".join(record.warnings)


def test_utf_8_of_which_a_server_lost_bytes():
    text = "(;SZ[9]EV[第三届世界围棋公开赛]PB[李世石]PW[马晓春];B[aa])".encode().replace(b"\xe6\x9d\x8e", b"\xe6?\x8e")
    game = open_game(text)
    assert game.record.white == "马晓春" and game.record.black.endswith("世石")
    assert game.tree.sequence[0]["PB"][0] == b"\xe6?\x8e" + "世石".encode()
    assert game.record.warnings == ("some bytes of the text, which is UTF-8, are lost; the others are kept",)


def test_a_name_cut_within_a_letter_keeps_its_bytes():
    text = "(;CA[gb2312]SZ[9]EV[第三届世界围棋公开赛]PB[".encode("gb18030") + b"\xc0\xee\xca];B[aa])"
    game = open_game(text)
    assert game.tree.sequence[0]["EV"][0].decode() == "第三届世界围棋公开赛"
    assert game.tree.sequence[0]["PB"][0] == "李".encode() + b"\xca"


def test_bytes_that_no_encoding_makes_sense_of_are_kept():
    odd = bytes([0x81, 0x8D, 0xFF, 0x8F, 0x9D, 0x90, 0xA0, 0xFF])
    game = open_game(b"(;SZ[9]PB[" + odd + b"];B[aa])")
    assert (game.encoding, game.tree.sequence[0]["PB"]) == ("latin-1", [odd])
    assert "`--encoding` says what they are in" in game.record.warnings[0]


def test_the_encoding_that_is_asked_for():
    text = "(;CA[UTF-8]SZ[9]PB[Київ]PW[Я];B[aa])".encode("cp1251")
    record = read_game(text, encoding="windows-1251")
    assert (record.black, record.white, record.warnings) == ("Київ", "Я", ())
    record = read_game("(;SZ[9]PB[古];B[aa])".encode("gb18030")[:-8] + b"\xff];B[aa])", encoding="gbk")
    assert record.warnings == ("1 bytes are not gbk; they are kept as they are",)
    assert text_codec("GB2312") == "gb18030" and text_codec("Shift JIS") == "cp932"
    for name in ("klingon", "base64", ""):
        with pytest.raises(UsageError, match="must be the name of a text encoding, such as UTF-8, gb18030, big5"):
            read_game(text, encoding=name)


def test_the_option(tmp_path, capsys):
    file = tmp_path / "game.sgf"
    file.write_bytes("(;SZ[9]PB[Я];B[aa])".encode("cp1251"))
    assert main(["go", "show", str(file), "--encoding", "cp1251"]) == 0
    assert capsys.readouterr().out.startswith("Я (Black) - White (White)\n")
    assert main(["go", "show", str(file), "--encoding", "klingon"]) == 2
    assert "`--encoding` (=klingon) must be the name of a text encoding" in capsys.readouterr().err


def a_game(codec: str, names: tuple[str, str], more: str = "") -> bytes:
    return f"(;FF[4]GM[1]SZ[19]PB[{names[0]}]PW[{names[1]}]{more};B[pd];W[dd])".encode(codec)


def test_a_collection_of_games_in_different_encodings():
    rows = (
        ("shift_jis", ("井山裕太", "一力遼"), "EV[本因坊戦]"),
        ("gbk", ("柯洁九段", "芈昱廷九段"), "EV[中国围棋甲级联赛]"),
        ("euc_kr", ("이세돌", "박정환"), "EV[제이십회 결승 삼국]"),
        ("cp1251", ("Лев", "Иван"), "EV[Чемпионат России по игре го]"),
        ("utf-8", ("張栩", "李世乭"), "CA[UTF-8]"),
        ("ascii", ("Lee", "Kim"), ""),
    )
    found = list(games(b"\n".join(a_game(*row) for row in rows)))
    assert [(game.record.black, game.record.white) for game in found] == [names for _, names, _ in rows]
    assert [len(game.record.warnings) for game in found] == [1, 1, 1, 1, 0, 0]
    assert all(game.record.events.tolist() == found[0].record.events.tolist() for game in found)


def test_a_game_too_short_to_tell_goes_with_the_others():
    sure = a_game("gbk", ("柯洁九段", "芈昱廷九段"), "EV[中国围棋甲级联赛]")
    short = a_game("gbk", ("柯", "李"))
    assert next(iter(games(short))).encoding == "latin-1"
    found = list(games(sure + short))[1].record
    assert (found.black, found.white) == ("柯", "李")
    assert found.warnings == ("no charset can be told; read as gb18030, like the other games",)
    mixed = sure + short + a_game("euc_kr", ("이세돌", "박정환"), "EV[제이십회 결승 삼국]")
    assert list(games(mixed))[1].encoding == "latin-1"  # kept byte for byte


def test_what_looks_like_a_game_within_a_value_takes_no_names_along():
    text = "(;GM[(;GM[1]CA[TF-8]SZ[9]PB[李世石]PW[Lee];B[ee](;B[gg];W[])(;B[gc]))".encode()
    game = open_game(text)
    assert game.record.black == "李世石"
