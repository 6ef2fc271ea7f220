# ruff: noqa: E501  word lists and frames, many to a line
"""Everyday opinions made from a grammar: what film reviews lack, with a label that the grammar knows.

Film reviews say little of batteries, waiters and refunds, and their sentences get the label of the whole review, so
that a net learns "not" and "but" badly. Here every sentence is built around one judgement, and negation, contrast and
comparison turn it by rule. All words and frames were written for this file; nothing in it is quoted.
"""

from __future__ import annotations

import random
from collections.abc import Callable

Sentence = tuple[str, str]  # label, text

THINGS = (
    "phone|laptop|tablet|camera|charger|screen|battery|keyboard|mouse|printer|router|speaker|watch|TV|monitor|console|"
    "vacuum|blender|kettle|toaster|oven|fridge|washing machine|lamp|chair|desk|sofa|mattress|pillow|bag|backpack|jacket|"
    "dress|shirt|shoes|jeans|coat|toy|bike|helmet|tent|knife|pan|drill|perfume|cream|shampoo|razor|headset|case|cable"
).split("|")
PLACES = (
    "hotel|restaurant|cafe|bar|bakery|shop|store|gym|salon|clinic|museum|park|campsite|hostel|resort|spa|cinema|airport|"
    "pizzeria|pub|diner|bistro|garage|pharmacy|beach|apartment"
).split("|")
FOOD = (
    "food|pizza|burger|soup|salad|pasta|steak|fish|chicken|rice|curry|sushi|noodles|breakfast|dinner|lunch|dessert|cake|"
    "bread|coffee|tea|wine|beer|sandwich|sauce|ice cream|meal|menu"
).split("|")
PEOPLE = (
    "staff|service|waiter|waitress|driver|manager|receptionist|owner|doctor|teacher|guide|host|seller|agent|team|support|"
    "customer service|cashier|technician|crew|cook"
).split("|")
SHOWS = (
    "film|movie|show|series|book|novel|game|album|song|concert|play|story|plot|acting|script|ending|episode|documentary|"
    "soundtrack|cast|director|podcast"
).split("|")
APPS = "app|website|update|software|interface|browser|program|service|site|login|checkout|search|player|version".split(
    "|"
)

GOOD = (
    "good|great|excellent|amazing|awesome|fantastic|wonderful|superb|brilliant|perfect|lovely|beautiful|outstanding|nice|"
    "impressive|incredible|terrific|fabulous|delightful|exceptional|first class|top notch|marvellous|magnificent|"
    "phenomenal|stunning|splendid|pleasant|satisfying|enjoyable|solid|decent|charming|gorgeous|unbeatable|flawless"
).split("|")
BAD = (
    "bad|terrible|awful|horrible|poor|disappointing|useless|dreadful|disgusting|pathetic|rubbish|appalling|atrocious|"
    "horrendous|lousy|abysmal|unacceptable|mediocre|annoying|frustrating|garbage|crap|unpleasant|worthless|miserable|"
    "ridiculous|shocking|underwhelming|subpar|terrifyingly bad|a mess|a joke|a disaster|a letdown|a disgrace"
).split("|")
FIT = {  # adjectives that go with one kind of thing
    "things": (
        "sturdy|reliable|fast|durable|light|comfortable|well made|easy to use|powerful|quiet|sharp|bright|responsive|"
        "stylish|handy|soft|precise|versatile|waterproof|accurate",
        "flimsy|slow|fragile|cheaply made|faulty|defective|broken|uncomfortable|noisy|laggy|blurry|scratched|outdated|"
        "unreliable|heavy and clumsy|hard to use|buggy|loose|itchy|too small|overpriced|full of flaws",
    ),
    "places": (
        "clean|cosy|cozy|spotless|quiet|welcoming|spacious|relaxing|well kept|bright|modern|peaceful|inviting|charming|"
        "well organised|affordable",
        "dirty|filthy|noisy|run down|overpriced|cramped|smelly|crowded|depressing|shabby|stuffy|dingy|unsafe|mouldy|gloomy|"
        "badly managed|full of bugs",
    ),
    "food": (
        "delicious|tasty|fresh|yummy|crispy|juicy|flavourful|flavorful|mouthwatering|perfectly cooked|creamy|tender|"
        "generous|divine|heavenly|scrumptious",
        "bland|tasteless|cold|stale|greasy|soggy|burnt|undercooked|overcooked|raw|rotten|salty beyond belief|dry|inedible|"
        "rubbery|watery|revolting|flavourless|mushy|lukewarm",
    ),
    "people": (
        "friendly|helpful|kind|polite|attentive|professional|patient|caring|quick|efficient|courteous|knowledgeable|"
        "welcoming|honest|considerate|on time",
        "rude|unfriendly|unhelpful|impolite|slow|arrogant|incompetent|dismissive|aggressive|clueless|careless|lazy|"
        "dishonest|unprofessional|impatient|grumpy|late|ignorant|hostile",
    ),
    "shows": (
        "gripping|moving|funny|hilarious|touching|clever|original|entertaining|captivating|thrilling|addictive|witty|"
        "heartwarming|fascinating|powerful|unforgettable|fun|engaging",
        "boring|dull|predictable|pointless|silly|tedious|slow|unfunny|cheesy|forgettable|overrated|confusing|shallow|"
        "pretentious|lifeless|stupid|too long|cliched|bloated|nonsense",
    ),
    "apps": (
        "fast|intuitive|easy to use|smooth|reliable|handy|useful|stable|simple|clear|well designed|secure|user friendly|"
        "responsive",
        "slow|buggy|confusing|useless|unstable|full of ads|full of bugs|clunky|broken|unusable|cluttered|glitchy|unreliable|"
        "laggy|hard to use|a security risk",
    ),
}
KINDS = {"things": THINGS, "places": PLACES, "food": FOOD, "people": PEOPLE, "shows": SHOWS, "apps": APPS}

PRAISE = (  # whole judgements
    "I love it|I really love this one|I love this {n}|love it|we loved the {n}|I adore my {n}|I am so happy with this {n}|"
    "I am very pleased with the {n}|very satisfied|it works perfectly|it works like a dream|works great|worked first time|"
    "works exactly as described|does exactly what I need|it made my day|it made my life easier|saved me so much time|"
    "it saved my holiday|I use it every day|I use it all the time and love it|I would buy it again|would buy again|"
    "I will buy another one|I will definitely come back|we will be back|I will be back soon|can only recommend it|"
    "I highly recommend it|highly recommended|I would recommend this {n} to anyone|recommend it to all my friends|"
    "worth every cent|worth the money|worth the price|worth the wait|well worth a visit|great value|good value for money|"
    "a bargain|an absolute bargain|money well spent|best decision ever|best purchase I have made|best {n} ever|"
    "the best {n} in town|my favourite {n}|my new favorite {n}|a pleasure to use|a real treat|a pure joy|a gem|"
    "an absolute gem|a masterpiece|a winner|a delight|a dream come true|exactly what I was looking for|"
    "everything I hoped for|everything was perfect|all was great|five stars|5 stars|full marks|top marks|10 out of 10|"
    "10/10|9/10|5/5|ten out of ten|five star {n}|I give it five stars|easily five stars|4 stars|8/10|an easy ten|"
    "thumbs up|two thumbs up|well done|good job|great job everyone|thank you so much|"
    "thanks a lot, great help|keep up the good work|kudos to the {p}|hats off to the {p}|they fixed it in no time|"
    "they fixed it for free|they replaced it without question|they gave me a full refund right away|"
    "they answered within minutes|it arrived early|arrived on time and well packed|fast delivery|quick shipping|"
    "delivered a day early|it lasts forever|the battery lasts all day|the battery lasts for days|it still works after years|"
    "still going strong after five years|going strong|it charges quickly|picture quality is superb|sound is crystal clear|"
    "fits perfectly|fits like a glove|it looks even better in real life|looks gorgeous|smells wonderful|so soft|so tasty|"
    "we ate every bite|I licked the plate|cooked to perfection|melts in your mouth|the portions are generous|"
    "we felt at home|they made us feel welcome|we felt so welcome|slept like a baby|the bed was heaven|great location|"
    "amazing views|what a view|they upgraded us for free|they went the extra mile|nothing was too much trouble for them|"
    "they treated us like royalty|I felt in good hands|such a lovely evening|what a lovely place|I was blown away|"
    "blew me away|it blew my socks off|I was impressed|very impressed|pleasantly surprised|I am a fan|I am hooked|"
    "I am addicted to it|hooked from the first page|I was on the edge of my seat|I laughed out loud|could not stop laughing|"
    "it moved me to tears|had me in tears of joy|kept me guessing until the end|I want to see it again|a must see|must see|"
    "must buy|a must|a classic|it rocks|this rocks|this {n} rocks|it slaps|straight fire|this is fire|so fire|goated|"
    "the goat|elite|top tier|S tier|dope|sick in the best way|lit|epic|legendary|bomb|the bomb|da bomb|on point|"
    "spot on|bang on|ace|stellar|a blast|we had a blast|had so much fun|so much fun|love love love|yay|woohoo|yummy|"
    "chapeau|bravo|wow|wow just wow|insanely good|crazy good|stupidly good|wicked good|so dang good|damn good|hella good|"
    "pure magic|magical|heaven on earth|heaven sent|life changing|game changing|a godsend|a lifesaver|a keeper|"
    "it is a keeper|no brainer|it grew on me|made me smile|still smiling|happy customer|happy camper|customer for life|"
    "you rock|you are the best|legends|absolute legends|big up to the {p}|respect|props to the {p}|so cute|so comfy|"
    "super comfy|super easy|easy peasy|smooth as butter|runs smoothly|runs like clockwork|fast as lightning|"
    "no cap this is the best|low key the best|lowkey love this|highkey obsessed|I stan|slay|they slayed|vibes were great|"
    "good vibes only|immaculate|underrated|criminally underrated|steal of a price|cheap and cheerful|it hits the spot|"
    "hit the spot|finger licking good|to die for|out of this world|second to none|in a class of its own|one of a kind"
).split("|")
BLAME = (
    "I hate it|I really hate this one|I hate this {n}|hate it|we hated the {n}|I regret buying this {n}|"
    "I am so disappointed with this {n}|I am very unhappy with the {n}|very dissatisfied|it stopped working|"
    "it stopped working after two weeks|it broke after a month|it broke on the first day|broke within days|"
    "it fell apart|it fell to pieces|came apart in my hands|it died after a week|dead on arrival|arrived broken|"
    "arrived damaged|it came with a scratch|the box was empty|parts were missing|wrong item|they sent the wrong size|"
    "they sent me the wrong one|it never arrived|my parcel never came|still waiting|I am still waiting for my money|"
    "two hours late|three weeks late|we waited for an hour|waited forever|they kept us waiting|nobody answered the phone|"
    "nobody cared|no one helped us|they ignored us|they laughed at me|they shouted at us|they hung up on me|"
    "they refused to help|they refused a refund|they refuse to refund me|they kept my money|they stole my money|"
    "they overcharged us|they charged me twice|hidden fees everywhere|they lied to me|they blamed me for it|a scam|"
    "total scam|it is a scam|what a scam|fraud|rip off|such a rip off|ripoff|daylight robbery|waste of money|"
    "a waste of time|waste of space|what a waste|save your money|save your time|stay away|steer clear|keep away|avoid|"
    "avoid this {n}|avoid at all costs|run away|look elsewhere|go somewhere else|buy something else|"
    "I want my money back|I want a refund|give me my money back|asking for a refund|I sent it back|I am returning it|"
    "going straight back|it went in the bin|threw it in the trash|straight to the bin|belongs in the bin|junk|pure junk|"
    "trash|total trash|utter rubbish|absolute garbage|piece of junk|piece of crap|a lemon|it sucks|this sucks|"
    "this {n} sucks|they suck|worst {n} ever|the worst {n} in town|worst experience ever|worst purchase I have made|"
    "biggest mistake ever|big mistake|I give it one star|only one star|one star {n}|one star review|one measly star|"
    "1 star only|one star because zero is not possible|4/10|I made a mistake buying this|one star|1 star|one star is too much|zero stars|"
    "0 stars|no stars|1/5|1/10|2/10|3/10|0/10|one out of ten|two out of ten|two stars|thumbs down|"
    "two thumbs down|epic fail|fail|big fail|what a fail|a flop|a failure|a shambles|a nightmare|nightmare|"
    "what a nightmare|a disaster from start to finish|a complete mess|a mess|an insult|an embarrassment|a disgrace|"
    "shame on you|shame on them|shameful|disgraceful|unbelievable how bad it is|it makes me sick|it made me ill|"
    "I got food poisoning|we were all sick afterwards|there was a hair in my {f}|a fly in my {f}|bugs in the bed|"
    "bed bugs|mould on the walls|the toilet was blocked|the shower was cold|no hot water|the sheets were dirty|"
    "it smelled of sewage|it stinks|it reeks|smells awful|it hurts my ears|it gave me a headache|it gave me a rash|"
    "it burned my skin|it leaks everywhere|it leaks|it overheats|it gets far too hot|it caught fire|it keeps freezing|"
    "it freezes all the time|it crashes constantly|keeps crashing|it crashes every five minutes|it keeps disconnecting|"
    "drains the battery|the battery dies after an hour|battery is dead by noon|it will not turn on|will not charge|"
    "the screen went black|the screen cracked|it deleted my photos|I lost all my data|locked out of my account|"
    "too many ads|ads everywhere|nothing but ads|full of spam|they spam me every day|they spy on you|paywall after paywall|"
    "fell asleep|I fell asleep halfway|put me to sleep|bored to tears|I was bored stiff|I walked out|we walked out|"
    "we left early|I switched it off after ten minutes|I stopped watching|gave up halfway|I cringed|so cringe|cringe|"
    "makes no sense|the jokes fall flat|not funny|a snooze|a snoozefest|a yawn|yawn|meh|mid|so mid|kinda mid|"
    "it is mid at best|ass|this is ass|whack|wack|lame|so lame|bogus|sketchy|shady|shady business|sus|salty about this|"
    "cheap plastic|feels cheap|cheap rubbish|overrated|overhyped|all hype|overpriced junk|money down the drain|"
    "a cash grab|a money grab|greedy|pure greed|dumpster fire|a train wreck|a hot mess|ugh|yuck|gross|eww|disgusted|"
    "disappointed|so disappointed|very disappointing|deeply disappointed|let down|it let me down|they let us down|"
    "I am fuming|I am furious|I am livid|so angry right now|so annoyed|fed up|I am fed up with this {n}|sick of this {n}|"
    "sick and tired of it|done with them|I am cancelling|cancelled my subscription|uninstalled|deleted the app|"
    "uninstalling right now|never again|never going back|never buying from them again|last time I come here|"
    "I will not be back|we will not return|lost my trust|they lost a customer|customer lost|do better|fix your {n}|"
    "sort it out|what were they thinking|how is this legal|should be banned|should be closed down|call the health inspector|"
    "a health hazard|dangerous|unsafe|a death trap|useless support|clueless support|robbed|I feel cheated|I feel robbed"
).split("|")

GOODS = ("flavour|taste|style|charm|help|support|comfort|quality|value|humour|fun|warmth|respect|care|explanation|apology|"
         "refund|atmosphere|imagination|logic|sense|substance|effort").split("|")  # fmt: skip
ILLS = ("problem|problems|issue|issues|complaints|fuss|hassle|noise|lag|delay|delays|bugs|ads|crashes|flaws|faults|stress|"
        "trouble|smell|waiting|surprises on the bill|hidden fees|dull moment|drama|regrets").split("|")  # fmt: skip
STRONG = "very|really|so|absolutely|totally|incredibly|extremely|truly|super|just|pretty|quite|simply|utterly|".split(
    "|"
)

# What happens, good or bad: subject, and verb as base form, past, participle. Negated, it is the other way round.
BAD_EVENTS = (
    "the app|crash,crashed,crashed;it|break,broke,broken;the screen|freeze,froze,frozen;the phone|die,died,died;"
    "the connection|drop,dropped,dropped;the pan|stick,stuck,stuck;the bottle|leak,leaked,leaked;it|overheat,overheated,"
    "overheated;it|fail,failed,failed;it|let me down,let me down,let me down;this brand|disappoint,disappointed,disappointed;"
    "the staff|ignore us,ignored us,ignored us;the driver|get lost,got lost,lost;the site|log me out,logged me out,logged me "
    "out;the zip|jam,jammed,jammed;the colour|fade,faded,faded;it|hurt,hurt,hurt;the glue|come off,came off,come off;"
    "the fabric|tear,tore,torn;it|smell,smelled,smelled;they|overcharge,overcharged,overcharged;the battery|run out,ran out,"
    "run out;it|bore me,bored me,bored me;they|lie,lied,lied;the update|slow my phone down,slowed my phone down,slowed my "
    "phone down;the parcel|get lost,got lost,gone missing;the neighbours|bother us,bothered us,bothered us;the program|"
    "lose my work,lost my work,lost my work;the door|squeak,squeaked,squeaked;the sole|wear out,wore out,worn out"
)
GOOD_EVENTS = (
    "it|work,worked,worked;the staff|help,helped,helped;the waiter|smile,smiled,smiled;they|answer,answered,answered;"
    "the parcel|arrive,arrived,arrived;the lid|fit,fitted,fitted;the battery|last,lasted,lasted;it|charge,charged,charged;"
    "the company|apologise,apologised,apologised;they|refund me,refunded me,refunded me;the story|make sense,made sense,made "
    "sense;the jokes|land,landed,landed;it|impress me,impressed me,impressed me;they|keep their word,kept their word,kept "
    "their word;it|start,started,started;the heating|come on,came on,come on;the doctor|listen,listened,listened;it|do its "
    "job,did its job,done its job;they|care,cared,cared;the manager|call back,called back,called back;the search|find "
    "anything,found anything,found anything;it|connect,connected,connected;the light|turn on,turned on,turned on;they|fix "
    "anything,fixed anything,fixed anything;the guide|show up,showed up,shown up;it|taste of anything,tasted of anything,"
    "tasted of anything;the film|hold my attention,held my attention,held my attention"
)

Clause = Callable[[random.Random, bool], str]


def event(draw: random.Random, good: bool) -> str:
    """Return something that did not happen, and is judged by that: "it never crashed", "nobody answered"."""
    who, forms = draw.choice((BAD_EVENTS if good else GOOD_EVENTS).split(";")).split("|")
    base, past, participle = forms.split(",")
    plural = who in ("they", "the jokes", "the neighbours", "the staff")
    does, has = ("do", "have") if plural else ("does", "has")
    frames = [
        f"{who} never {past}", f"{who} {does}n't {base}", f"{who} {does} not {base}", f"{who} didn't {base}",
        f"{who} did not {base}", f"{who} {has} never {participle}", f"{who} {has}n't {participle} once",
        f"{who} {has} not {participle}", f"not once did {who} {base}", f"not a single time did {who} {base}",
        f"{who} won't {base}", f"{who} did not even {base} once", f"{who} {does} not {base} any more",
        f"{who} {does}n't {base} at all", f"I have yet to see {who} {base}", f"{who} {has} yet to {base}",
    ]  # fmt: skip
    if good:
        bad = adjective(draw, False)
        frames += [
            f"nobody was {bad}", f"no one was {bad}", f"nobody {draw.choice(['complained', 'minded', 'left hungry'])}",
            f"never once {past}", f"not once {past}", f"hardly any {draw.choice(ILLS)}", f"barely any {draw.choice(ILLS)}",
            f"little {draw.choice(['waiting', 'fuss', 'hassle', 'noise'])} and lots of fun", "couldn't find a single flaw",
            f"I have yet to find {draw.choice(['a fault', 'a bug', 'a better one', 'anything wrong'])}",
            f"it isn't {bad} in the least", f"not {bad} in the slightest", f"never {bad}", f"never felt {bad}", f"anything but {bad}",
            f"far from {bad}", f"it was anything but {bad}", f"it is far from {bad}", f"nothing about it is {bad}",
            f"there is nothing to {draw.choice(['hate', 'criticise', 'complain about', 'worry about'])}",
            "it does not get much better", "it can't get better", "I cannot stop listening to it", "can't stop playing",
            f"I can't stop {draw.choice(['eating', 'watching', 'reading', 'smiling', 'wearing it', 'raving about it'])}",
            f"could not stop {draw.choice(['laughing', 'reading', 'eating', 'smiling'])}", "can't wait for more", "can't wait to return",
            f"I can't wait to {draw.choice(['come back', 'order again', 'see it again', 'use it'])}", "never want to leave",
            "did not want it to end", "I didn't want to leave", "wouldn't want to miss it", "I would not be without it",
        ]  # fmt: skip
    else:
        fine = adjective(draw, True)
        frames += [
            f"nobody was {fine}", f"no one was {fine}", f"nobody {draw.choice(['came', 'listened', 'apologised', 'knew anything'])}",
            f"never once {past}", f"hardly any {draw.choice(GOODS)}", f"barely any {draw.choice(GOODS)}", f"far from {fine}",
            f"anything but {fine}", f"it was anything but {fine}", f"it is far from {fine}", f"nothing about it is {fine}",
            f"I have yet to {draw.choice(['hear back', 'receive my order', 'see a reply', 'get my money', 'enjoy it'])}",
            f"it isn't {fine} in the least", f"not {fine} in the slightest", f"never {fine}", f"never felt {fine}", f"less than {fine}",
            f"there is nothing to {draw.choice(['enjoy', 'praise', 'recommend', 'get excited about'])}", "it can't get worse",
            "it does not get much worse", f"cannot wait to {draw.choice(['leave', 'get rid of it', 'cancel', 'return it'])}",
            "could not wait to leave", "couldn't leave fast enough", "I could not get past the first chapter", "could hardly eat it",
            "could barely finish it", f"{who} hardly {past}", f"{who} barely {past}", "I wouldn't give it to my dog", "I can't use it",
            "I would not wish this on anyone", "can't believe I paid for this", "I couldn't sleep", "cannot be trusted",
        ]  # fmt: skip
    return draw.choice(frames)


def happening(draw: random.Random, good: bool) -> str:
    """Return something that happened: "the waiter went the extra mile", "the app crashed twice"."""
    if good:
        return draw.choice([
            f"the {draw.choice(PEOPLE)} {draw.choice(['went out of the way for us', 'came right on time', 'solved it in minutes', 'fixed everything', 'took great care of us', 'surprised us with a free dessert', 'explained everything', 'answered all my questions', 'made us laugh', 'found my lost wallet and returned it', 'kept every promise', 'could not do enough for us', 'left everything tidy', 'carried our bags', 'remembered my name'])}",
            f"my {draw.choice(THINGS)} {draw.choice(['just works', 'arrived early', 'survived a fall', 'still looks new after a year', 'keeps me warm', 'keeps me dry', 'lasts for days', 'charges in no time', 'does everything I want', 'makes mornings easier', 'gets compliments every day', 'looks as good as new', 'runs without a hitch'])}",
            f"the {draw.choice(APPS)} {draw.choice(['loads in a second', 'just works', 'saves me hours', 'keeps everything in one place', 'got even better', 'taught me so much', 'makes it so simple', 'syncs perfectly', 'helped me sleep'])}",
            f"the {draw.choice(FOOD)} {draw.choice(['melted in my mouth', 'was gone in minutes', 'tasted like home', 'came hot and fast', 'made me want more', 'blew us away', 'hit the spot', 'was cooked just right'])}",
            f"the {draw.choice(SHOWS)} {draw.choice(['kept me up all night', 'stayed with me for days', 'made me cry happy tears', 'had me hooked', 'gave me chills', 'kept the whole family laughing', 'flew by', 'surprised me at every turn', 'deserves every award'])}",
            f"the {draw.choice(PLACES)} {draw.choice(['felt like home', 'has it all', 'made our holiday', 'exceeded our hopes', 'was worth the trip', 'is my happy place', 'stole my heart', 'thinks of everything'])}",
        ])  # fmt: skip
    return draw.choice([
        f"the {draw.choice(PEOPLE)} {draw.choice(['kept us waiting', 'forgot our order twice', 'rolled his eyes', 'lost my papers', 'argued with us', 'was on the phone the whole time', 'never turned up', 'stopped answering', 'shrugged and walked away', 'gave me the wrong change', 'talked down to me', 'cancelled at the last minute', 'left the place in a mess', 'made me pay twice', 'drove like a maniac', 'hung up'])}",
        f"my {draw.choice(THINGS)} {draw.choice(['broke within a week', 'started rattling after a day', 'keeps switching off', 'stopped charging', 'came with a dent', 'fell apart in the wash', 'died overnight', 'started peeling within days', 'shrank after one wash', 'keeps beeping', 'gets stuck all the time', 'ruined my carpet', 'arrived in pieces', 'burnt my hand', 'lost its colour', 'jams constantly'])}",
        f"the {draw.choice(APPS)} {draw.choice(['crashes whenever I open it', 'crashes every time', 'keeps logging me out', 'freezes on start', 'lost all my settings', 'takes ages to load', 'eats my battery', 'charges you without asking', 'kept dropping the call', 'sells your data', 'spams me with ads', 'broke after the update', 'got slower and slower', 'keeps asking for a rating'])}",
        f"the {draw.choice(FOOD)} {draw.choice(['made us ill', 'came out cold', 'was sent back', 'had a hair in it', 'tasted like cardboard', 'took an hour to arrive', 'swam in grease', 'was burnt black', 'went straight in the bin', 'tasted of nothing', 'was still frozen in the middle', 'gave me a stomach ache'])}",
        f"the {draw.choice(SHOWS)} {draw.choice(['put me to sleep', 'dragged on forever', 'went nowhere', 'ruined the book', 'made me check my watch', 'fell flat', 'insults your intelligence', 'wastes a great cast', 'ran out of ideas', 'lost me after ten minutes', 'is all noise and no heart', 'felt like homework'])}",
        f"the {draw.choice(PLACES)} {draw.choice(['smelled of mould', 'was crawling with ants', 'charged us for nothing', 'looked nothing like the photos', 'was freezing', 'had no hot water', 'lost our booking', 'ruined our weekend', 'is falling apart', 'was overrun', 'double booked our room', 'closed without notice', 'kept our deposit'])}",
    ])  # fmt: skip


def opinion(draw: random.Random, good: bool) -> str:
    """Return a clause that praises or blames something: "the waiter was really kind"."""
    kind = draw.choice(list(KINDS))
    noun = draw.choice(KINDS[kind])
    own = FIT[kind][0 if good else 1].split("|")
    word = draw.choice(own) if draw.random() < 0.6 else draw.choice(GOOD if good else BAD)
    more = draw.choice(STRONG) if draw.random() < 0.5 and not word.startswith("a ") else ""
    who = draw.choice(["the", "the", "the", "my", "our", "this", "their", "your"])
    verb = draw.choice(["is", "was", "is", "was", "looks", "seems", "feels"])
    return " ".join(f"{who} {noun} {verb} {more} {word}".split())


def judgement(draw: random.Random, good: bool) -> str:
    """Return a whole judgement from the lists."""
    kind = draw.choice(list(KINDS))
    return draw.choice(PRAISE if good else BLAME).format(
        n=draw.choice(KINDS[kind]), p=draw.choice(PEOPLE), f=draw.choice(FOOD)
    )


def noun_phrase(draw: random.Random, good: bool) -> str:
    """Return "a great phone", "awful service"."""
    kind = draw.choice(list(KINDS))
    own = FIT[kind][0 if good else 1].split("|")
    word = draw.choice([w for w in [*own, *(GOOD if good else BAD)] if " " not in w])
    noun = draw.choice(KINDS[kind])
    return draw.choice([f"{word} {noun}", f"such a {word} {noun}", f"what a {word} {noun}", f"a {word} {noun}"])


def adjective(draw: random.Random, good: bool) -> str:
    kind = draw.choice(list(KINDS))
    words = [*FIT[kind][0 if good else 1].split("|"), *(GOOD if good else BAD), *(GOOD if good else BAD)[:8]]
    return draw.choice([word for word in words if not word.startswith("a ")])


def negation(draw: random.Random, good: bool) -> str:
    """Return a judgement that a negation turns: `good` is the judgement after it."""
    noun = draw.choice(KINDS[draw.choice(list(KINDS))])
    other = adjective(draw, not good)
    own = adjective(draw, good)
    turned = [
        f"not {other}", f"not {other} at all", f"it is not {other}", f"it was not {other} at all", f"isn't {other}",
        f"the {noun} isn't {other}", f"the {noun} wasn't {other}", f"the {noun} is not {other} at all",
        f"the {noun} was not {other}", f"this {noun} is never {other}", f"it's not {other}", f"it isn't {other}",
        f"wasn't {other} at all", f"not {other} or {adjective(draw, not good)}", f"far from {other}", f"anything but {other}",
        f"in no way {other}", f"by no means {other}", f"I wouldn't call it {other}", f"nobody could call this {noun} {other}",
        f"there was nothing {other} about the {noun}", f"nothing {other} here", f"nothing {other} about it",
        f"I don't think the {noun} is {other}", f"I did not find it {other}", f"it doesn't feel {other}",
        f"it never felt {other}", f"the {noun} does not look {other}", f"neither {other} nor {adjective(draw, not good)}",
        f"the {noun} wasn't {other}, it was {own}",
    ]  # fmt: skip
    if good:
        ill = draw.choice(ILLS)
        turned += [
            f"no {ill}", f"no {ill} at all", f"no {ill} so far", f"without any {ill}", f"zero {ill}", f"hardly any {ill}",
            f"never any {ill} with this {noun}", f"never had any {ill}", f"I have had no {ill} with my {noun}",
            "no complaints", "no complaints here", "can't complain", "cannot complain", "nothing to complain about",
            f"I can't fault the {noun}", "cannot fault it", "couldn't fault a thing", f"you can't go wrong with this {noun}",
            f"I can't get enough of this {noun}", f"I can't say enough good things about the {noun}", "can't praise it enough",
            f"can't recommend this {noun} enough", "couldn't ask for more", "could not be better", "couldn't be happier",
            f"I couldn't be more pleased with the {noun}", f"couldn't put the {noun} down", f"I can't live without my {noun}",
            "you will not regret it", "you won't regret it", "you won't regret buying one", "I don't regret it",
            f"never regretted buying this {noun}", "I have not regretted it once", f"the {noun} will not disappoint",
            "won't disappoint", "it does not disappoint", "did not disappoint", "never disappoints", "never disappointed",
            "I was not disappointed", "we were not let down", f"the {noun} has never let me down", "it hasn't failed me yet",
            "never fails", "wouldn't change a thing", "I would not trade it for anything", "would not hesitate to buy again",
            "don't hesitate to go there", "do not miss it", "don't miss this", "not to be missed", "don't sleep on this",
            f"don't let the price of the {noun} put you off", "no regrets at all", "there is nothing wrong with it",
            f"I found nothing wrong with the {noun}", "nothing beats it", f"nothing beats this {noun}", "nothing compares",
            f"I have never had a better {noun}", "I never want another one", f"never seen a better {noun}",
            "never been happier", "it has never been easier", "I wasn't bored for a second", f"this {noun} never gets old",
            "it doesn't get better than this", "it never crashes", "doesn't crash any more", "it doesn't break", "never broke",
            "not bad", "not bad at all", "not too bad", "not half bad", "not bad for the money", "wasn't bad", "isn't bad",
            f"the {noun} is not bad at all", "not bad, I would go again", "no doubt the best", f"without doubt a {own} {noun}",
            f"I don't have a bad word to say about the {noun}", "not a single complaint", "not one bad thing to say",
            "no one does it better", "nobody does it better", "not a waste of time", "not overpriced", "no need to look further",
        ]  # fmt: skip
    else:
        joy = draw.choice(GOODS)
        turned += [
            f"no {joy}", f"no {joy} at all", f"without any {joy}", f"zero {joy}", f"hardly any {joy}", f"not much {joy}",
            f"there is no {joy} in this {noun}", f"the {noun} has no {joy}", f"lacks {joy}", "not worth it", "isn't worth it",
            f"the {noun} is not worth the money", "not worth the price", "not worth a visit", "not worth watching",
            "not worth your time", f"I don't recommend this {noun}", "I do not recommend it", "would not recommend",
            "wouldn't recommend it to my worst enemy", "can't recommend it", f"I can't recommend the {noun}", "not recommended",
            f"I don't like this {noun}", "I don't like it", "I did not like it", f"we didn't enjoy the {noun}",
            "didn't enjoy it", "I could not enjoy it", "I don't love it", "I wasn't impressed", "not impressed",
            f"not impressed by the {noun}", "I am not happy", f"I'm not happy with my {noun}", "not satisfied", "not amused",
            "it doesn't work", f"the {noun} does not work", "didn't work", "it didn't work for me", "won't work", "never worked",
            "it never works", f"the {noun} won't turn on", "it won't charge", "doesn't fit", "it didn't last",
            "didn't last a month", "it can't even do the basics", "can't do anything right", "do not buy", "don't buy it",
            f"don't buy this {noun}", "don't bother", "don't waste your time", f"don't waste your money on this {noun}",
            "do not go there", f"don't trust this {noun}", "I can't stand it", "couldn't wait for it to end", "no thanks",
            "I will not come back", "we won't be back", "I won't buy it again", "never again", "I would never buy this again",
            "never order here", "nobody helped", "nobody answered", "no one cared", "no reply", "no answer", "no apology",
            "they never called back", "they did not reply", "they wouldn't help", "they won't refund me", "not as described",
            "not as good as they say", "not what I expected", "nothing works", "nothing special", f"nothing new in this {noun}",
            "nothing good about it", f"nothing about this {noun} is {other}", "not even close to good",
            "not a fan", "not my favourite", "isn't funny", "not funny", "not clean", "not fresh", "not even edible",
            "it isn't what it used to be", "no better than the cheap ones", f"I have never had a worse {noun}",
            f"never seen a worse {noun}", "can't believe how bad it is", "not good", "not good at all", "not great",
            "not that great", "wasn't good", "isn't great", f"the {noun} was not good", f"the {noun} isn't great",
            "not the best", "could be better", "should have been better", "it should not be sold", "not safe",
        ]  # fmt: skip
    return draw.choice(turned[:30] if draw.random() < 0.45 else turned[30:])


def contrast(draw: random.Random, good: bool) -> str:
    """Return two clauses of which the second decides, or the one that is not conceded."""
    first = draw.choice([opinion, opinion, happening, negation])(draw, not good)
    last = draw.choice([opinion, judgement, opinion, negation, happening, event])(draw, good)
    phrase = " ".join(noun_phrase(draw, not good).replace("such a", "the").replace("what a", "the").split())
    return draw.choice([
        f"{first}, but {last}", f"{first} but {last}", f"{first}, yet {last}", f"{first}. Still, {last}",
        f"{first}. However, {last}", f"although {first}, {last}", f"even though {first}, {last}", f"despite {phrase}, {last}",
        f"{last}, although {first}", f"{last} even though {first}", f"{first}, nevertheless {last}", f"while {first}, {last}",
        f"at first {first}, but now {last}", f"I thought {first}, but {last}", f"{first}, that said, {last}",
        f"people say {first}, I say {last}", f"apart from the price {last}" if good else f"apart from the price, {last}",
    ])  # fmt: skip


def comparison(draw: random.Random, good: bool) -> str:
    noun = draw.choice(KINDS[draw.choice(list(KINDS))])
    reference = draw.choice([
        "I expected", "expected", "my old one", f"my last {noun}", "the last one", "the old version", "the competition",
        "all the others", "the one before", "anything else", "the more expensive ones", "I thought it would be", "most",
        "the original", "before", "last year", "any other", f"any {noun} I have tried", "what I had before", "average",
    ])  # fmt: skip
    word = draw.choice(
        "better|nicer|faster|quieter|easier|cleaner|sharper|stronger|lighter|tastier|friendlier|cheaper|funnier".split(
            "|"
        )
        if good
        else "worse|slower|noisier|dirtier|weaker|harder to use|blurrier|ruder|duller|more expensive|less reliable|"
        "less comfortable|less tasty".split("|")
    )
    much = draw.choice(["", "", "much ", "so much ", "far ", "way ", "a lot ", "even "])
    best = draw.choice(["best", "nicest", "finest", "greatest"] if good else ["worst", "rudest", "dullest", "weakest"])
    sentences = [
        f"{much}{word} than {reference}", f"the {noun} is {much}{word} than {reference}", f"it's {much}{word} than {reference}",
        f"this {noun} was {much}{word} than {reference}", f"the {best} {noun} I have ever had", f"{best} {noun} ever",
        f"one of the {best} {noun}s around", f"by far the {best}", f"the {best} {noun} of the year", f"simply the {best}",
        f"probably the {best} {noun} in the city",
    ]  # fmt: skip
    if good:
        sentences += [
            "as good as new", f"just as good as the expensive {noun}", "beats the rest", f"this {noun} beats them all",
            "in a league of its own", f"I prefer this {noun} to all others", "so glad I switched", "a huge improvement",
            "such an upgrade", "big step up", f"improved a lot since the last {noun}", "it keeps getting better",
            "gets better every day", "exceeds expectations", "exceeded all my expectations", "lives up to the hype",
            "puts the others to shame", f"no other {noun} comes close", "better late than never and better than all",
            f"you won't find a better {noun}", f"you will not find anything better than this {noun}",
        ]  # fmt: skip
    else:
        sentences += [
            "the old one was better", f"my old {noun} was better", f"I liked the previous {noun} more", "a step back",
            f"I should have bought another {noun}", "should have kept the old one", "a huge step backwards", "a downgrade",
            f"there are better {noun}s for less", "you can find better for less", "plenty of better options", "gone downhill",
            f"this {noun} has gone downhill", "it used to be good", f"this {noun} used to be good", "it gets worse every year",
            "keeps getting worse", "falls short of expectations", "does not live up to the hype", "others do it better",
            f"I have seen better {noun}s", f"had better {noun} elsewhere", f"even a cheap {noun} would be better",
            "not as good as before", "not as good as the first one", f"nowhere near as good as my last {noun}",
            "can't compare with the original", "no better than the cheapest one",
        ]  # fmt: skip
    return draw.choice(sentences)


def sentence(draw: random.Random) -> Sentence:
    """Return a label and a text: one judgement, or two that agree, as people write them."""
    good = draw.random() < 0.5
    frames: list[tuple[float, Clause]] = [
        (0.20, opinion), (0.36, judgement), (0.40, noun_phrase), (0.58, negation), (0.72, event), (0.84, happening),
        (0.93, contrast), (1.0, comparison),
    ]  # fmt: skip

    def one() -> str:
        at = draw.random()
        return next(frame for limit, frame in frames if at < limit)(draw, good)

    text = one()
    if draw.random() < 0.35:
        text = draw.choice(["{}. {}", "{}, {}", "{} and {}", "{}! {}", "{}; {}"]).format(text, one())
    if draw.random() < 0.12:
        text = draw.choice(["honestly, {}", "well, {}", "to be honest, {}", "overall {}", "in short: {}", "I must say {}",
                            "omg {}", "tbh {}", "{} lol" if not good else "{} :)", "sadly, {}" if not good else "luckily, {}",
                            "unfortunately, {}" if not good else "happily, {}", "{} :(" if not good else "{} <3",
                            "{} smh" if not good else "{} yay"]).format(text)  # fmt: skip
    text = text[0].upper() + text[1:] if draw.random() < 0.5 else text
    return "positive" if good else "negative", text + draw.choice([".", "", "!", ".", ""])


def sentences(count: int, seed: int = 0) -> list[Sentence]:
    """Return different sentences, the same for the same seed."""
    draw = random.Random(seed)
    found: dict[str, str] = {}
    for good, words in ((True, PRAISE), (False, BLAME)):  # each judgement at least once
        for text in words:
            noun = draw.choice(THINGS)
            found[text.format(n=noun, p=draw.choice(PEOPLE), f=draw.choice(FOOD))] = "positive" if good else "negative"
    while len(found) < count:
        label, text = sentence(draw)
        found.setdefault(text, label)
    return [(label, text) for text, label in found.items()]


if __name__ == "__main__":
    for label, text in sentences(40, 1)[-40:]:
        print(label, text, sep="\t")
