"""Which learning-rate schedule should I use, how sure am I, and is the difference worth caring about?"""
