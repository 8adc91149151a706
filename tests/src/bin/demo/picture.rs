//! A piece of terminal output as an SVG picture, for the README.
//!
//! Only what the demo prints is understood: text, and the SGR codes for bold, dim and the eight colours.

use std::fmt::Write as _;

/// Width of a character and distance of lines, in the units of the picture, at a font size of 14.
const CHARACTER: f64 = 8.43;
const LINE: f64 = 20.0;
const MARGIN: f64 = 20.0;
/// The height of the bar with the buttons of a window.
const BAR: f64 = 34.0;

/// How a piece of text looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Look {
    bold: bool,
    dim: bool,
    colour: Option<u8>,
}

/// A window with `output` in it, which was printed by `command`.
pub(crate) fn svg(command: &str, output: &str) -> String {
    let lines: Vec<Vec<(Look, String)>> = lines(output);
    let count = |line: &Vec<(Look, String)>| line.iter().map(|(_, text)| text.chars().count()).sum::<usize>();
    let columns = lines
        .iter()
        .map(count)
        .max()
        .unwrap_or_default()
        .max(command.chars().count() + 2);
    let width = MARGIN.mul_add(2.0, number(columns) * CHARACTER).ceil();
    let height = MARGIN.mul_add(2.0, BAR + number(lines.len() + 1) * LINE) - 8.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
         <title>What {command} prints</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1d2230\"/>\n"
    );
    for (index, colour) in ["#ef6b73", "#f0c674", "#8cc570"].into_iter().enumerate() {
        let _ = writeln!(
            svg,
            "<circle cx=\"{}\" cy=\"18\" r=\"6\" fill=\"{colour}\"/>",
            number(index).mul_add(20.0, 22.0)
        );
    }
    // As attributes and not as a style sheet, which would go before the attributes of the pieces.
    svg.push_str("<g font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\" fill=\"#d8dee9\">\n");
    let prompt = vec![
        (
            Look {
                colour: Some(2),
                bold: true,
                dim: false,
            },
            "$ ".to_owned(),
        ),
        (
            Look {
                bold: true,
                ..Look::default()
            },
            command.to_owned(),
        ),
    ];
    for (index, line) in std::iter::once(&prompt).chain(&lines).enumerate() {
        let y = number(index).mul_add(LINE, BAR + MARGIN);
        let mut column = 0;
        for (look, text) in line {
            let length = text.chars().count();
            let trimmed = text.trim();
            if !trimmed.is_empty() {
                // Each piece says its place and its length, so that the picture is the same with every font; the blanks
                // before it are in its place, since some readers of SVG leave them out.
                let blanks = length - text.trim_start().chars().count();
                let _ = writeln!(
                    svg,
                    "<text x=\"{:.1}\" y=\"{y}\" textLength=\"{:.1}\"{}>{}</text>",
                    number(column + blanks).mul_add(CHARACTER, MARGIN),
                    number(trimmed.chars().count()) * CHARACTER,
                    attributes(*look),
                    escaped(trimmed)
                );
            }
            column += length;
        }
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn attributes(look: Look) -> String {
    let mut attributes = String::new();
    if look.bold {
        attributes.push_str(" font-weight=\"bold\"");
    }
    if look.dim {
        attributes.push_str(" opacity=\"0.65\"");
    }
    let fill = look.colour.map(|colour| match colour {
        1 => "#ef6b73",
        2 => "#8cc570",
        3 => "#f0c674",
        4 => "#6ea8fe",
        5 => "#c792ea",
        6 => "#6cd0d8",
        _ => "#d8dee9",
    });
    if let Some(fill) = fill {
        let _ = write!(attributes, " fill=\"{fill}\"");
    }
    attributes
}

/// The lines of an output, each as pieces that look the same.
fn lines(output: &str) -> Vec<Vec<(Look, String)>> {
    let mut look = Look::default();
    let mut lines = Vec::new();
    for line in output.trim_end().lines() {
        let mut pieces: Vec<(Look, String)> = Vec::new();
        let mut rest = line;
        while !rest.is_empty() {
            let (text, code) = match rest.split_once("\u{1b}[") {
                None => (std::mem::take(&mut rest), None),
                Some((text, after)) => {
                    let (code, after) = after.split_once('m').unwrap_or((after, ""));
                    rest = after;
                    (text, Some(code))
                }
            };
            if !text.is_empty() {
                pieces.push((look, text.to_owned()));
            }
            for code in code.into_iter().flat_map(|code| code.split(';')) {
                look = after_code(look, code);
            }
        }
        lines.push(pieces);
    }
    lines
}

fn after_code(look: Look, code: &str) -> Look {
    match code.parse::<u8>().unwrap_or_default() {
        1 => Look { bold: true, ..look },
        2 => Look { dim: true, ..look },
        22 => Look {
            bold: false,
            dim: false,
            ..look
        },
        code @ 30..=37 => Look {
            colour: Some(code - 30),
            ..look
        },
        code @ 90..=97 => Look {
            colour: Some(code - 90),
            ..look
        },
        39 => Look { colour: None, ..look },
        _ => Look::default(),
    }
}

/// Blanks are written as ones that no reader of SVG joins to one.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace(' ', "\u{a0}")
}

#[expect(clippy::cast_precision_loss, reason = "columns and lines are few")]
fn number(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::{Look, lines, svg};

    #[test]
    fn colours_become_pieces() {
        let red = Look {
            bold: true,
            dim: false,
            colour: Some(1),
        };
        let expected = vec![
            vec![(red, "error".to_owned()), (Look::default(), ": no".to_owned())],
            vec![(Look::default(), "next".to_owned())],
        ];
        assert_eq!(lines("\u{1b}[1m\u{1b}[91merror\u{1b}[0m: no\nnext\n\n"), expected);
    }

    #[test]
    fn text_is_escaped_and_stands_in_its_column() {
        let picture = svg("demo", " --> a<b>&c");
        assert!(
            picture.contains("x=\"28.4\" y=\"74\" textLength=\"84.3\">--&gt;\u{a0}a&lt;b&gt;&amp;c</text>"),
            "{picture}"
        );
        assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
    }
}
