def wordpiece(word, vocabulary):
    """a word and a list of pieces -> the list of its pieces, or ["[UNK]"]"""
    known = set(vocabulary)
    pieces, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):  # the longest first
            piece = word[start:end] if start == 0 else "##" + word[start:end]
            if piece in known:
                pieces.append(piece)
                start = end
                break
        else:  # not even a single letter fits: the whole word is unknown
            return ["[UNK]"]
    return pieces
