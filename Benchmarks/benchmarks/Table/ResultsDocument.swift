import Foundation

/// The page of Markdown that tells one run: where it was made, the machine's peaks, and a table of
/// each group of cases.
struct ResultsDocument {
  private let date: String
  private let lines: [ResultLine]
  /// Markdown that stands behind the tables.
  private let notes: String

  /// Reads the files that the command line names.
  init(_ options: BenchmarkOptions) throws {
    let lines = try options.files.flatMap { file in
      try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
    }
    let notes = try options.notes.map { try String(contentsOfFile: $0, encoding: .utf8) }
    self.init(
      date: options.date ?? "", lines: lines.map { ResultLine(String($0)) }, notes: notes)
  }

  init(date: String, lines: [ResultLine], notes: String? = nil) {
    self.date = date
    self.lines = lines
    self.notes = notes.map { "\n\($0)" } ?? ""
  }

  var text: String {
    let rows = lines.compactMap { if case .row(let row) = $0 { row } else { nil } }
    var ratios = PairedRatios()
    for case .pair(let pair) in lines { ratios.add(pair) }
    let sections = ResultsTable.groups(of: rows).map { group, rows in
      "## \(group)\n\n" + ResultsTable(rows, ratios: ratios).text
    }
    return """
      # Results

      Made by `benchmarks table` from one run. Times are medians ± half the distance between the
      quartiles. *Of the limit*: the least time that the measured peaks of the same run allow, over
      the time taken. A peer's number in parentheses is its time over ours, the median of the turns
      where both ran in turn: above 1, ours is faster.

      \(facts)

      ## Peaks

      Before and after every command: least – middle – greatest.

      \(peaks)

      \(sections.joined(separator: "\n"))\(notes)
      """
  }

  private var facts: String {
    let machines = lines.compactMap { if case .machine(let machine) = $0 { machine } else { nil } }
    let loads = machines.map(\.load) + allPeaks.map(\.load)
    let peers = lines.compactMap { if case .peer(let peer) = $0 { peer } else { nil } }
    let commands = lines.compactMap { if case .command(let command) = $0 { command } else { nil } }
    var facts = [
      "Date: \(date)",
      "CPU: " + distinct(machines.map { "\($0.cpu), \($0.cores) cores" }),
      "System: " + distinct(machines.map(\.system)),
      "Compiler: " + distinct(machines.map { "\($0.compiler), \($0.build) build" }),
      String(format: "Load: %.2f to %.2f", loads.min() ?? .nan, loads.max() ?? .nan),
    ]
    for peer in distinctElements(peers) {
      let settings = peer.settings.map { " (\($0))" } ?? ""
      facts.append("Peer: " + peer.versions.joined(separator: ", ") + settings)
    }
    for command in distinctElements(commands) { facts.append("Command: `\(command.text)`") }
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
          "\(threads)", "\(peaks.count) times", range(peaks.map(\.gflops)),
          range(peaks.map(\.gigabytesPerSecond)),
        ]
      })
  }

  private func distinct(_ texts: [String]) -> String {
    distinctElements(texts).joined(separator: "; ")
  }

  private func distinctElements<Element: Equatable>(_ elements: [Element]) -> [Element] {
    elements.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }
}
