"""The dialogues of the demo, written for this project; `script` reads them.

A block per dialogue. Its heading is `# Title [room, noise at decibels]`, or with a place behind,
`[room, noise at decibels, place]`, where two people share a picture. Then one line per turn,
`Name (mood): words`. Behind the mood may stand

- `over`: the turn begins before the one before it ends;
- `together`: there is no cut before the turn, so whoever speaks in the shot is seen all through it.

The first six hold one of each kind: quiet and noisy, near and far, cuts, overlap, two people in a
picture, and a shot of more than 25 s. Tests run on them.
"""

SCREENPLAY = """
# The lost keys [bedroom, pink at 45]
Anna (worried): I have looked everywhere and I still cannot find my keys.
Ben (calm): Take a slow breath. Where did you see them last?
Anna (worried): On the kitchen table. The bus leaves in ten minutes!
Ben (cheerful): Look in the door. You left them in the lock again.
Anna (surprised): Oh no, they were there all night?
Ben (tender): It happens to everybody. Now go and catch your bus.

# The park bench [living room, pink at 40, park]
Mia (calm): May I sit here? All the other benches are wet.
Carl (cheerful, together): Please do. I come here every day to feed the birds.
Mia (surprised, together): Every day? Even in the winter, when it snows?
Carl (serious, together): Even then. My wife and I always came here on Sundays.
Mia (tender, together): That sounds lovely. Is she still with you?
Carl (sad, together): She died last spring. The birds keep me company now.
Mia (tender, together): I am so sorry. Would you like to share my lunch?
Carl (cheerful, together): You are very kind. My name is Carl, by the way.

# The good news [office, hum at 30]
Mia (excited): Guess what, I got the job at the museum!
Tom (surprised): Really? The one you have dreamed about since school?
Mia (excited, over): Yes! They called me this morning and I start in May.
Tom (cheerful): That is wonderful, Mia. I am so proud of you.
Mia (tender): Thank you for helping me write that letter.

# The broken window [kitchen, hiss at 30, street]
Carl (angry): Who broke my window with a ball this afternoon?
Tom (worried): It was me, sir. I am very sorry about it.
Ruth (calm): He came to tell the truth, Carl. That takes courage.
Carl (calm, together): Well, that is honest. But who will pay for it?
Tom (serious): I will pay for the glass from my own money.
Ruth (cheerful): And I will make lemonade for the two of you.

# A quiet house [hall, pink at 35]
Ruth (sad): The house feels so empty since our old dog died.
Carl (tender): I miss him too. I still listen for him at the door.
Ruth (sad): This morning I filled his bowl without thinking.
Carl (calm): Maybe we can plant a tree for him in the garden.

# The night shift [classroom, rumble at 20]
Anna (cheerful): Good morning! Did you only come home now?
Ben (tired): Yes, it was a very long night at the hospital.
Anna (worried, over): You look pale. Did something happen?
Ben (tired): There were just too many people and too few beds.
Anna (tender): Lie down and sleep. I will keep the children quiet.

# The storm [bedroom, rumble at 15]
Ruth (worried): Listen to that wind. The lights went out again.
Tom (calm): I found a candle and some blankets in the closet.
Ruth (worried): Your father is still out on the road.
Tom (serious): He sent me a message. He is waiting at the station.
Ruth (calm): Thank goodness. Then we will wait here as well.

# The birthday cake [kitchen, pink at 30, kitchen]
Anna (excited): Quick, hide the cake, she is coming up the stairs!
Carl (surprised): Already? The candles are not even lit.
Mia (surprised): What is going on here? Why is it so dark?
Anna (excited, together): Happy birthday! We made your favorite chocolate cake!
Carl (cheerful): I only held the spoon. She did all the work.
Mia (tender): You two are the best friends in the world.

# The late report [office, hiss at 35]
Ruth (serious): The report was due yesterday, and my desk is still empty.
Ben (worried): I know. My computer stopped and I lost half of the pages.
Ruth (angry): Then why did nobody tell me about it?
Ben (sad): I was ashamed. I wanted to repair it alone.
Ruth (calm): Next time come to me at once. We solve such things together.

# Moving to the city [living room, pink at 40, beach]
Mia (sad): So the boxes are packed and tomorrow you are gone.
Anna (tender, together): It is only two hours by train, little sister.
Mia (worried): Who will I talk to when I cannot sleep?
Anna (calm): You can call me at any hour of the night.
Mia (cheerful): Then I will bring the coffee and the old records.

# The wrong order [classroom, pink at 25]
Ben (serious): Excuse me, I asked for soup, and this is a salad.
Anna (worried): I am so sorry. I must have mixed up two tables.
Ben (angry): I have been waiting here for almost an hour.
Anna (calm): You are right to be angry. The soup comes now, and it is free.

# The first swim [studio, hiss at 25, beach]
Carl (cheerful): Come into the water, it is not cold at all!
Mia (worried): I do not know. The waves look very high today.
Tom (excited): Just jump! I will hold your hand the whole time.
Mia (worried, together): Please do not let go of me.
Tom (tender, together): I am right here beside you. You are doing fine.
Carl (excited): Look at you! You swim like a fish.

# The exam [classroom, hum at 25]
Tom (worried): The exam is tomorrow and I remember nothing at all.
Ruth (calm): You have studied for weeks. Tell me about the first chapter.
Tom (serious): It is about rivers, how they begin and where they end.
Ruth (cheerful): You see? That was a perfect answer.
Tom (tired): My head is full, and I have not slept well.

# The old friend [living room, rumble at 30]
Ben (surprised): Carl? Is that really you after all these years?
Carl (excited, over): Ben! You have not changed one bit, my friend!
Ben (cheerful): And you still laugh like a big old bear.
Carl (sad): We moved back here when my mother got ill.
Ben (tender): I am sorry to hear that. How is she now?
Carl (calm): Better every week. Come for dinner and meet her.

# The borrowed bicycle [office, pink at 20]
Mia (angry): You took my bicycle again without asking me!
Ben (calm): I only needed it to get some milk.
Mia (angry): I had to walk to school in the pouring rain!
Ben (sad): I did not know that. I am truly sorry.
Mia (serious): Please just ask me first the next time.

# The piano lesson [studio, pink at 45, kitchen]
Ruth (calm): Play it once more, but slowly this time.
Anna (tired, together): My fingers hurt, and I always miss the same note.
Ruth (tender, together): Everybody does. Keep your hand loose and listen.
Anna (surprised, together): Oh! That was right. Did you hear it?
Ruth (excited): I did! That was music, my dear.

# The train to the sea [classroom, rumble at 18]
Tom (excited): Is this the train to the sea?
Carl (serious): No, young man. This one goes to the mountains.
Tom (worried): Oh no. My family is waiting for me on the beach.
Carl (calm): Get off at the next stop and cross the bridge.
Tom (cheerful): Thank you! You saved my holiday.

# The new neighbor [living room, hiss at 40, street]
Anna (cheerful): Hello! I live next door. I brought you some bread.
Carl (surprised): For me? Nobody has ever done that before.
Anna (cheerful, together): It is still warm. Do you need help with the boxes?
Carl (tired, together): My back hurts, so I would not say no.
Anna (calm): Then I will call my brothers. They are strong and bored.

# The lost game [hall, pink at 40]
Tom (sad): We lost again, and it was all because of me.
Ben (calm): You ran more than anybody else on the field.
Tom (angry): But I missed the ball right in front of the goal!
Ben (serious, over): Listen to me. Even the best players miss.
Tom (calm): Will you train with me before the next game?

# The doctor's call [bedroom, hum at 35]
Ruth (worried): The doctor wants to talk to me tomorrow morning.
Mia (tender): Do you want me to come with you?
Ruth (sad): I do not want to hear bad news alone.
Mia (calm): You are not alone. We will go together.
Ruth (tender): You are a good girl. Thank you.

# The stolen sandwich [kitchen, hum at 20]
Ben (angry): Somebody ate my sandwich out of the fridge again!
Tom (surprised): The one with the cheese and the green apple?
Ben (serious): How do you know what was in it?
Tom (worried, over): I only looked at it, I promise!
Ben (cheerful): Then why is there cheese on your shirt?

# The empty stage [hall, hiss at 30, stage]
Mia (worried): All the seats are taken. I cannot go out there.
Ruth (calm, together): I was afraid every single night for thirty years.
Mia (surprised, together): You? But you always looked so sure of yourself.
Ruth (cheerful): I looked at one kind face, and I sang for her.
Mia (tender): Then tonight I will sing for you.

# The little boat [studio, rumble at 25]
Carl (serious): Hold the rope. The wind will turn very soon.
Anna (worried): The water is coming in! Is that normal?
Carl (angry): No! Take the bucket and throw it out!
Anna (excited): It works! The boat is getting lighter.
Carl (cheerful): Well done. You are a real sailor now.

# The snow day [bedroom, pink at 30, park]
Tom (excited): The school is closed! There is snow up to the window!
Anna (tired): It is six in the morning. Please let me sleep.
Tom (excited): But we have to build the biggest snowman in town!
Anna (tender, together): All right. Give me ten minutes and a cup of tea.
Tom (excited, over, together): Yes! I will find a hat and a carrot.

# The painting [office, hiss at 40]
Ruth (surprised): Did you paint this picture all by yourself?
Ben (calm): Yes. It took me the whole summer.
Ruth (serious): It is sad, but I cannot stop looking at it.
Ben (sad): It is the house where I was born. It is gone now.
Ruth (tender): No, it is not gone. It is right here.

# Good night [living room, hum at 40]
Mia (tired): I have waited for your call the whole evening.
Carl (worried): I am sorry. The meeting took five hours.
Mia (tender): Did you eat something warm at least?
Carl (tired): Only an apple and some cold tea.
Mia (calm): Then eat well tomorrow. Good night, father.
"""
