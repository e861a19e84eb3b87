import Foundation

/// The page of Markdown that tells one run: where it was made, the machine's peaks, and for each
/// group of cases a table of ours and one of peers.
struct ResultsDocument {
  private let date: String
  private let lines: [ResultLine]
  /// Markdown that stands behind the tables.
  private let notes: String

  /// Reads the files that the command line names.
  ///
  /// - Throws: ``TextFileError`` if one cannot be read or holds something else than results.
  init(_ options: BenchmarkOptions) throws(TextFileError) {
    var lines: [ResultLine] = []
    for file in options.files { lines += try Self.results(of: file) }
    if lines.allSatisfy({ if case .row = $0 { false } else { true } }) {
      throw .noRow(paths: options.files)
    }
    var notes: String?
    if let path = options.notes { notes = try TextFile.read(path) }
    self.init(date: options.date ?? "", lines: lines, notes: notes)
  }

  init(date: String, lines: [ResultLine], notes: String? = nil) {
    self.date = date
    self.lines = lines
    self.notes = notes.map { "\n\($0)" } ?? ""
  }

  private static func results(of file: String) throws(TextFileError) -> [ResultLine] {
    let texts = try TextFile.read(file).split(separator: "\n", omittingEmptySubsequences: false)
    var results: [ResultLine] = []
    for (index, text) in texts.enumerated() where !text.isEmpty {
      do throws(ResultLineError) {
        results.append(try ResultLine(String(text)))
      } catch {
        throw .line(path: file, number: index + 1, error)
      }
    }
    return results
  }

  var text: String {
    let rows = lines.compactMap { if case .row(let row) = $0 { row } else { nil } }
    var turns = PairedTurns()
    for case .pair(let pair) in lines { turns.add(pair) }
    let sections = MeasuredCases.groups(of: rows).map { group, rows in
      let peers = PeersTable(rows, turns: turns).text
      return "## \(group)\n\n" + ResultsTable(rows).text
        + (peers.isEmpty ? "" : "\n### \(group): others\n\n\(peers)")
    }
    return """
      # Results

      Made by `benchmarks table` from one run.

      - *ms*: the median of the samples ± half the distance between the quartiles; *once* where there
        is one sample. Where several commands measured a case, the row with the middle time is
        listed (of two, the slower one), with its own limit.
      - *Of the limit*: the least time that the peaks of the same command allow (*limit, ms*), over
        the time taken. *> 100 %*, which stands for more than 105 %: the peak was measured in a worse
        moment of the machine than the row, or a cache helped; the row says nothing of the limit.
      - *× plain*: the time over that of the row of the same table without adapters.
      - *Others*: *peer / ours* is the peer's time over ours; above 1, ours is faster. *Turn by turn*
        lists it for each turn in which one ran right after the other; both times and *peer / ours*
        are the middle ones of those turns (of two turns, the mean), so that the time of ours may be
        another than in the table above, where all commands count. *Not in turns*: both
        times are of the table's row and of the same run.
      - softmax and sampling use one thread, and are listed for one.

      \(facts)

      ## Peaks

      Before and after every command: least – middle – greatest.

      \(peaks)
      \(sections.joined(separator: "\n"))\(notes)
      """
  }

  private var facts: String {
    let machines = lines.compactMap { if case .machine(let machine) = $0 { machine } else { nil } }
    let peers = lines.compactMap { if case .peer(let peer) = $0 { peer } else { nil } }
    let commands = lines.compactMap { if case .command(let command) = $0 { command } else { nil } }
    var facts = ["Date: \(date)"]
    for (title, texts) in [
      ("CPU", machines.map { "\($0.cpu), \($0.cores) cores" }),
      ("System", machines.map(\.system)),
      ("Compiler", machines.map { "\($0.compiler), \($0.build) build" }),
    ] where !texts.isEmpty {
      facts.append("\(title): " + distinct(texts).joined(separator: "; "))
    }
    let loads = machines.compactMap(\.load) + allPeaks.compactMap(\.load)
    if let least = loads.min(), let most = loads.max() {
      facts.append(String(format: "Load: %.2f to %.2f", least, most))
    }
    for peer in distinct(peers) {
      let settings = peer.settings.map { " (\($0))" } ?? ""
      facts.append("Peer: " + peer.versions.joined(separator: ", ") + settings)
    }
    for command in distinct(commands) { facts.append("Command: `\(command.text)`") }
    let others = allPeaks.compactMap(\.coresOfOthers)
    if let least = others.min(), let most = others.max() {
      facts.append(String(format: "Others used %.2f to %.2f cores meanwhile.", least, most))
    }
    if allPeaks.contains(where: \.isDisturbed) {
      facts.append("**The machine was busy with other work: these times say little.**")
    }
    return facts.map { "- \($0)" }.joined(separator: "\n")
  }

  private var allPeaks: [MachinePeak] {
    lines.compactMap { if case .peak(let peak) = $0 { peak } else { nil } }
  }

  /// The least, the middle and the greatest of all that were measured.
  private var peaks: String {
    func range(_ values: [Double]) -> String {
      let sorted = values.sorted()
      guard let least = sorted.first, let greatest = sorted.last else { return "" }
      return String(format: "%.1f – %.1f – %.1f", least, sorted[sorted.count / 2], greatest)
    }
    return MarkdownTable.text(
      header: ["threads", "measured", "GFLOP/s, f32 FMA", "GB/s read"],
      rows: Set(allPeaks.map(\.threads)).sorted().map { threads in
        let peaks = allPeaks.filter { $0.threads == threads }
        return [
          "\(threads)", peaks.count == 1 ? "once" : "\(peaks.count) times",
          range(peaks.map(\.gflops)), range(peaks.map(\.gigabytesPerSecond)),
        ]
      })
  }

  private func distinct<Element: Equatable>(_ elements: [Element]) -> [Element] {
    elements.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }
}
