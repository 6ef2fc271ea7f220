"""KataGo's JSON protocol for analyses, as KaTrain and many scripts speak it."""
