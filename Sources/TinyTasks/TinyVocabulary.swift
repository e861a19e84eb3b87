/// The tokens: the 256 bytes, then what texts are made of besides letters and digits.
///
/// The id of a byte is its value. The end of a text follows, then the words of instructions, the
/// codes of skills, and the keys.
enum TinyVocabulary {
  /// Ends an answer.
  static let end = "<eos>"
  /// The id of ``end``.
  static let endID = 256

  /// The tokens that are no bytes, in the order of their ids, from ``endID`` on.
  static let added: [String] = {
    var words: [String] = []
    // Compared by bytes; two tasks may share a word.
    for word in TinyTask.allCases.flatMap(\.instruction)
    where !words.contains(where: { $0.utf8.elementsEqual(word.utf8) }) {
      words.append(word)
    }
    return [end] + words + TinyTask.skills.map(\.code) + KeyedMeaning.all.map(\.token)
  }()

  /// The number of ids.
  static var count: Int { endID + added.count }
}
