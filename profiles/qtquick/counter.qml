import QtQuick 2.15
import QtQuick.Window 2.15

Rectangle {
    id: root

    property int clicks: 0

    signal told(string what)

    color: "#eeeeee"
    focus: true
    Keys.onPressed: root.told("key " + event.text + " on " + Screen.width + "x" + Screen.height)
    onWidthChanged: root.told("size " + width + "x" + height)

    Text {
        anchors.horizontalCenter: parent.horizontalCenter
        y: parent.height / 8
        font.pixelSize: 24
        text: root.clicks + " clicks"
    }

    Rectangle {
        anchors.centerIn: parent
        border.color: "#555555"
        color: area.pressed ? "#9999bb" : "#ccccdd"
        height: 60
        radius: 8
        width: 160

        Text {
            anchors.centerIn: parent
            text: "Count"
        }

        MouseArea {
            id: area

            anchors.fill: parent
            onClicked: root.told("clicks " + ++root.clicks)
        }
    }
}
